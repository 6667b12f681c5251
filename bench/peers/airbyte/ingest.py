"""The chain of `ingest.yaml` as a declarative source of the Airbyte CDK.

Runs in the current folder: `messages.jsonl` is what a destination would be given, records and
states. Where that file is there from an earlier run, the last states in it are handed back, as
the platform does. There is no destination: what storing would cost is not counted.
"""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import account
from airbyte_cdk.cli.source_declarative_manifest import run

# More threads are no faster: the interpreter's lock binds.
THREADS = 20
STREAMS = ["users", "meetings", "instances", "participants"]
MESSAGES = "messages.jsonl"


def paginator() -> dict:
    return {
        "type": "DefaultPaginator",
        "pagination_strategy": {
            "type": "CursorPagination",
            "cursor_value": "{{ response.next_page_token }}",
            "stop_condition": "{{ not response.next_page_token }}",
            "page_size": account.PAGE_SIZE,
        },
        "page_size_option": {
            "type": "RequestOption",
            "field_name": "page_size",
            "inject_into": "request_parameter",
        },
        "page_token_option": {
            "type": "RequestOption",
            "field_name": "next_page_token",
            "inject_into": "request_parameter",
        },
    }


def stream(name: str, path: str, rows: str, key: object, query: dict, parent=None, by="") -> dict:
    """One listing; `parent` is the stream whose records' field `by` the path names."""
    retriever = {
        "type": "SimpleRetriever",
        "requester": {
            "type": "HttpRequester",
            "url_base": "{{ config['url_base'] }}",
            "path": path,
            "http_method": "GET",
            "request_parameters": query,
            "authenticator": {"type": "BearerAuthenticator", "api_token": "{{ config['token'] }}"},
            # A user who may not host, a meeting of one person: nothing to be had.
            "error_handler": {
                "type": "DefaultErrorHandler",
                "response_filters": [
                    {"type": "HttpResponseFilter", "http_codes": [400, 404], "action": "IGNORE"}
                ],
            },
        },
        "record_selector": {
            "type": "RecordSelector",
            "extractor": {"type": "DpathExtractor", "field_path": [rows]},
        },
    }
    # Past instances come in one page.
    if name != "instances":
        retriever["paginator"] = paginator()
    made = {
        "type": "DeclarativeStream",
        "name": name,
        "primary_key": key,
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": {"type": "object", "additionalProperties": True, "properties": {}},
        },
        "retriever": retriever,
    }
    if parent is not None:
        retriever["partition_router"] = {
            "type": "SubstreamPartitionRouter",
            "parent_stream_configs": [
                {
                    "type": "ParentStreamConfig",
                    "stream": parent,
                    "parent_key": by,
                    "partition_field": "parent",
                }
            ],
        }
        made["transformations"] = [
            {
                "type": "AddFields",
                "fields": [{"path": ["_parent"], "value": "{{ stream_partition.parent }}"}],
            }
        ]
    return made


def manifest() -> dict:
    users = stream("users", "/users", "users", "id", {"status": "active"})
    meetings = stream(
        "meetings",
        "/users/{{ stream_partition.parent }}/meetings",
        "meetings",
        "id",
        {"type": "scheduled"},
        users,
        "id",
    )
    instances = stream(
        "instances",
        "/past_meetings/{{ stream_partition.parent }}/instances",
        "meetings",
        "uuid",
        {},
        meetings,
        "id",
    )
    # A UUID with a slash is encoded twice.
    participants = stream(
        "participants",
        "/past_meetings/{{ stream_partition.parent | replace('/', '%252F') }}/participants",
        "participants",
        ["_parent", "user_id", "join_time"],
        {},
        instances,
        "uuid",
    )
    return {
        "version": "7.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["users"]},
        "concurrency_level": {
            "type": "ConcurrencyLevel",
            "default_concurrency": THREADS,
            "max_concurrency": THREADS,
        },
        "streams": [users, meetings, instances, participants],
        "spec": {
            "type": "Spec",
            "connection_specification": {"type": "object", "properties": {}},
        },
    }


def catalog() -> dict:
    def configured(name: str) -> dict:
        return {
            "stream": {
                "name": name,
                "json_schema": {},
                "supported_sync_modes": ["full_refresh", "incremental"],
                "is_resumable": True,
            },
            "sync_mode": "full_refresh",
            "destination_sync_mode": "append",
        }

    return {"streams": [configured(name) for name in STREAMS]}


def last_states() -> list[dict]:
    """The last state of each stream; what a kill cut off is no message."""
    states = {}
    with open(MESSAGES) as file:
        for line in file:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if message.get("type") == "STATE":
                state = message["state"]
                state.pop("sourceStats", None)
                states[state["stream"]["stream_descriptor"]["name"]] = state
    return list(states.values())


def put(name: str, value: object) -> None:
    with open(name, "w") as file:
        json.dump(value, file)


def count() -> dict[str, int]:
    rows = dict.fromkeys(STREAMS, 0)
    with open(MESSAGES) as file:
        for line in file:
            if line.startswith('{"type":"RECORD"'):
                rows[json.loads(line)["record"]["stream"]] += 1
    return rows


def main() -> None:
    words = ["read", "--config", "config.json", "--catalog", "catalog.json"]
    if os.path.exists(MESSAGES):
        put("state.json", last_states())
        words += ["--state", "state.json"]
    config = {
        "__injected_declarative_manifest": manifest(),
        "url_base": account.API_URL,
        "token": account.token(),
    }
    put("config.json", config)
    put("catalog.json", catalog())
    out = os.open(MESSAGES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(out, 1)
    sys.argv[1:] = words
    run()
    sys.stdout.flush()
    account.tell(count())


if __name__ == "__main__":
    main()
