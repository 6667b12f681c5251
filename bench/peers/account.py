"""What every peer needs to know of the simulated account.

The environment brings it: ZOOM_API_URL, ZOOM_TOKEN_URL, ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and
ZOOM_CLIENT_SECRET, as for Watershed itself.
"""

import base64
import json
import os
import urllib.parse
import urllib.request

API_URL = os.environ["ZOOM_API_URL"]
PAGE_SIZE = 300


def token() -> str:
    """A bearer token, by the grant of a server-to-server app."""
    who = f"{os.environ['ZOOM_CLIENT_ID']}:{os.environ['ZOOM_CLIENT_SECRET']}"
    form = {"grant_type": "account_credentials", "account_id": os.environ["ZOOM_ACCOUNT_ID"]}
    request = urllib.request.Request(
        os.environ["ZOOM_TOKEN_URL"],
        data=urllib.parse.urlencode(form).encode(),
        headers={"Authorization": "Basic " + base64.b64encode(who.encode()).decode()},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access_token"]


def tell(rows: dict[str, int]) -> None:
    """What was stored, by stream: the file `rows.json` in the folder of the run."""
    with open("rows.json", "w") as file:
        json.dump(rows, file)
