"""Opens accounts to trade on, and prints a token that may trade on all of them: accounts.py ADDRESS COUNT < SECRET.

SECRET is JWT_SECRET of the platform's Secret, in base64, which signs the tokens (RFC 7519, HS256). Each account gets a hundred million of its currency, and one that is there already is left as it is."""
import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request

address, count = sys.argv[1], int(sys.argv[2])
secret = base64.b64decode(sys.stdin.read().strip(" \n'\""))
names = [f"bench-{number}" for number in range(1, count + 1)]


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(role, accounts=None):
    claims = {
        "iss": "rtx-server", "sub": "bench", "role": role, "use": "access", "sid": f"bench-{role}",
        "jti": f"bench-{time.time_ns()}", "iat": int(time.time()), "exp": int(time.time()) + 24 * 3600,
    }  # fmt: skip
    if accounts:
        claims["accounts"] = accounts
    content = encode(b'{"alg":"HS256","typ":"JWT"}') + b"." + encode(json.dumps(claims).encode())
    return (content + b"." + encode(hmac.digest(secret, content, hashlib.sha256))).decode()


admin = token("admin")


def post(path, body):
    request = urllib.request.Request(
        f"http://{address}{path}", json.dumps(body).encode(),
        {"authorization": f"Bearer {admin}", "content-type": "application/json"},
    )  # fmt: skip
    try:
        urllib.request.urlopen(request, timeout=10).read()
    except urllib.error.HTTPError as error:
        # 409: it exists.
        if error.code != 409:
            sys.exit(f"POST {path}: HTTP {error.code}: {error.read().decode()}")


for name in names:
    post("/admin/accounts", {"accountId": name})
    post(f"/admin/accounts/{name}/funding", {"amount": "100000000", "reference": "bench"})
print(token("trader", names))
