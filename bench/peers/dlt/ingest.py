"""The chain of `ingest.yaml` as a REST source of dlt, loaded into DuckDB.

Runs in the current folder; what an earlier run left there (`pipelines`, the database) is gone
on with, as dlt does it.
"""

import os
import sys

# So many listings at once, of each of its stages; it has no other bound.
WORKERS = 40
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "WARNING"
os.environ["EXTRACT__WORKERS"] = str(WORKERS)
os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = str(2 * WORKERS)

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import account
import dlt
from dlt.sources.rest_api import rest_api_source

TABLES = ["users", "meetings", "instances", "participants"]


def endpoint(path: str, rows: str, query: dict, paged: bool = True) -> dict:
    paginator = {
        "type": "cursor",
        "cursor_path": "next_page_token",
        "cursor_param": "next_page_token",
    }
    return {
        "path": path,
        "data_selector": rows,
        "params": {**query, "page_size": account.PAGE_SIZE} if paged else query,
        "paginator": paginator if paged else "single_page",
        # A user who may not host, a meeting of one person: nothing to be had.
        "response_actions": [
            {"status_code": 400, "action": "ignore"},
            {"status_code": 404, "action": "ignore"},
        ],
    }


def in_path(instance: dict) -> dict:
    """A UUID with a slash is encoded twice."""
    return {**instance, "uuid_in_path": instance["uuid"].replace("/", "%252F")}


def source():
    return rest_api_source(
        {
            "client": {
                "base_url": account.API_URL + "/",
                "auth": {"type": "bearer", "token": account.token()},
            },
            "resource_defaults": {"write_disposition": "replace", "parallelized": True},
            "resources": [
                {
                    "name": "users",
                    "endpoint": endpoint("users", "users", {"status": "active"}),
                },
                {
                    "name": "meetings",
                    "endpoint": endpoint(
                        "users/{resources.users.id}/meetings", "meetings", {"type": "scheduled"}
                    ),
                },
                {
                    "name": "instances",
                    "processing_steps": [{"map": in_path}],
                    "endpoint": endpoint(
                        "past_meetings/{resources.meetings.id}/instances", "meetings", {}, False
                    ),
                },
                {
                    "name": "participants",
                    "include_from_parent": ["uuid"],
                    "endpoint": endpoint(
                        "past_meetings/{resources.instances.uuid_in_path}/participants",
                        "participants",
                        {},
                    ),
                },
            ],
        }
    )


def main() -> None:
    pipeline = dlt.pipeline(
        pipeline_name="ingest",
        destination="duckdb",
        dataset_name="zoom",
        pipelines_dir="pipelines",
    )
    pipeline.run(source())
    with pipeline.sql_client() as client:
        count = "SELECT count(*) FROM "
        account.tell({name: client.execute_sql(count + name)[0][0] for name in TABLES})


if __name__ == "__main__":
    main()
