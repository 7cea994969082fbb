"""Examples of the table of what is masked: for each row what is written, and what is sent of it."""

from __future__ import annotations

from typing import Final

from tuner_langchain.masking.table import MASK

V: Final = "hunter2-PLANTED"
M: Final = MASK

# By the form on the page: a text with a secret, and the text as it is sent.
FORMS: Final[dict[str, list[tuple[str, str]]]] = {
    "name=value": [
        (f"api_key={V}", f"api_key={M}"),
        (f"x?password={V}&next=1", f"x?password={M}&next=1"),
        (f"Server=db;Password={V};User=ada", f"Server=db;Password={M};User=ada"),
        (f"password={V},cd)e", f"password={M}"),
        (f"password={V}\\s", f"password={M}"),
        (f"f(token={V}, n=1)", f"f(token={M}, n=1)"),
        (f"AccountName=a;AccountKey={V}+/==;Suffix=x", f"AccountName=a;AccountKey={M};Suffix=x"),
        (f"SharedAccessSignature={V}", f"SharedAccessSignature={M}"),
        (f"https://x/y?sv=1&sig={V}%2B&se=2", f"https://x/y?sv=1&sig={M}&se=2"),
        (
            f"https://s3/x?X-Amz-Credential={V}%2Fus&X-Amz-Security-Token={V}&X-Amz-Signature={V}&X-Amz-Date=1",
            f"https://s3/x?X-Amz-Credential={M}&X-Amz-Security-Token={M}&X-Amz-Signature={M}&X-Amz-Date=1",
        ),
        (f"https://gs/x?X-Goog-Signature={V}", f"https://gs/x?X-Goog-Signature={M}"),
        (f"https://cf/x?Expires=1&Signature={V}&Key-Pair-Id=K", f"https://cf/x?Expires=1&Signature={M}&Key-Pair-Id=K"),
        (f"$config['password'] => '{V}'", f"$config['password'] => '{M}'"),
        (f'os.environ["API_KEY"] = "{V}"', f'os.environ["API_KEY"] = "{M}"'),
    ],
    "name: value": [
        (f"X-Api-Key: {V}", f"X-Api-Key: {M}"),
        (f"X-Auth-Key: {V}\r\nAccept: */*", f"X-Auth-Key: {M}\r\nAccept: */*"),
        (f"Authorization: Bearer {V}", f"Authorization: {M}"),
        (f"Authorization: Basic {V}==", f"Authorization: {M}"),
        (f"host: db\npassword: {V}\nport: 5432", f"host: db\npassword: {M}\nport: 5432"),
        ("pin: 4821", f"pin: {M}"),
        ("PIN code: 4821, thank you", f"PIN code: {M}, thank you"),
        ("card number: 4111 1111 1111 1111 ok", f"card number: {M} ok"),
        (f"My API key: {V}", f"My API key: {M}"),
    ],
    "Cookie: value": [
        (f"Cookie: a={V}; b={V}\nAccept: */*", f"Cookie: {M}\nAccept: */*"),
        (f"Set-Cookie: sid={V}; Path=/", f"Set-Cookie: {M}"),
        (f'curl -H "Cookie: a={V}; b={V}" https://x', f'curl -H "Cookie: {M}" https://x'),
    ],
    'name="value"': [
        (f'password="{V} x"', f'password="{M}"'),
        (f"export DB_PASSWORD='{V}, x'", f"export DB_PASSWORD='{M}'"),
        (f'password="{V}\\" {V}" n=1', f'password="{M}" n=1'),
        (f'login(user="ada", password="{V}", n=1)', f'login(user="ada", password="{M}", n=1)'),
        (f'password="{V} that was cut', f'password="{M}'),
    ],
    '{"name": "value"}': [
        (f'{{"token": "{V}", "n": 1}}', f'{{"token": "{M}", "n": 1}}'),
        (f'{{\\"api_key\\": \\"{V} y\\"}}', f'{{\\"api_key\\": \\"{M}\\"}}'),
        (
            f'{{\\"a\\": \\"{{\\\\\\"token\\\\\\": \\\\\\"{V} x\\\\\\"}}\\", \\"b\\": 1}}',
            f'{{\\"a\\": \\"{{\\\\\\"token\\\\\\": \\\\\\"{M}\\\\\\"}}\\", \\"b\\": 1}}',
        ),
        (f"{{'api_key': '{V}', 'n': 1}}", f"{{'api_key': '{M}', 'n': 1}}"),
        (f"{{'api_key': b'{V}', 'n': 1}}", f"{{'api_key': b'{M}', 'n': 1}}"),
        ('{"pin": 4821, "n": 1}', f'{{"pin": "{M}", "n": 1}}'),
        (f'{{"tokens": ["{V}", "b]{V}"], "n": 1}}', f'{{"tokens": "{M}", "n": 1}}'),
        (f'{{"credentials": {{"a": "{V}"}}, "n": 1}}', f'{{"credentials": "{M}", "n": 1}}'),
    ],
    '["name", "value"]': [
        (f'[["X-API-Key", "{V}"], ["Accept", "*/*"]]', f'[["X-API-Key", "{M}"], ["Accept", "*/*"]]'),
        (f"[('Authorization', 'Basic {V}')]", f"[('Authorization', '{M}')]"),
    ],
    '{"name": name, "value": value}': [
        (f'{{"name": "api_key", "value": "{V}"}}', f'{{"name": "api_key", "value": "{M}"}}'),
        (f'{{"value": "{V}", "name": "api_key"}}', f'{{"value": "{M}", "name": "api_key"}}'),
        (f"{{'key': 'X-Api-Key', 'value': '{V}'}}", f"{{'key': 'X-Api-Key', 'value': '{M}'}}"),
    ],
    "<name>value</name>": [
        (f"<password>{V} x</password>", f"<password>{M}</password>"),
        (f'<wsse:Password Type="t">{V}</wsse:Password>', f'<wsse:Password Type="t">{M}</wsse:Password>'),
    ],
    "--name value": [
        (f"run --api-key {V} --n 1", f"run --api-key {M} --n 1"),
        (f"run --password '{V} x' y", f"run --password '{M}' y"),
        (f"run --token={V} y", f"run --token={M} y"),
        (f"['run', '--api-key', '{V}', 'y']", f"['run', '--api-key', '{M}', 'y']"),
    ],
    "-u user:password": [
        (f"curl -u ada:{V} https://x", f"curl -u ada:{M} https://x"),
        (f"curl --user 'ada:{V}' https://x", f"curl --user 'ada:{M}' https://x"),
    ],
    "name%3Dvalue": [
        (f"next=https%3A%2F%2Fx%3Fapi_key%3D{V}%26b%3D1", f"next=https%3A%2F%2Fx%3Fapi_key%3D{M}%26b%3D1"),
        (f"%7B%22token%22%3A%22{V}%22%7D", f"%7B%22token%22%3A%22{M}%22%7D"),
    ],
    "scheme://user:password@host": [
        (f"postgres://ada:{V}@db/x", f"postgres://{M}@db/x"),
        (f"redis://:{V}@db/0", f"redis://{M}@db/0"),
        (f"https://{V}@host/x", f"https://{M}@host/x"),
        (f"postgres://ada:p@{V}/{V}@db/x", f"postgres://{M}@db/x"),
        (f"postgres://ada:p/{V}@db/x?a=b@c", f"postgres://{M}@db/x?a=b@c"),
        (f"redis://:p#{V}@db/0", f"redis://{M}@db/0"),
        (f"https://proxy/?to=https://ada:{V}@host/x", f"https://proxy/?to=https://{M}@host/x"),
    ],
    "-----BEGIN ... PRIVATE KEY-----": [
        (f"a\n-----BEGIN RSA PRIVATE KEY-----\n{V}\n-----END RSA PRIVATE KEY-----\nb", f"a\n{M}\nb"),
        (f"-----BEGIN PRIVATE KEY-----\\n{V} that was cut", M),
        (
            f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{V}\n-----END PGP PRIVATE KEY BLOCK----- b",
            f"{M} b",
        ),
    ],
    "Bearer ...": [(f"He sent bearer {V} as it is.", f"He sent bearer {M} as it is.")],
}  # fmt: skip

_LETTERS: Final = "PLANTEDplantedPLANTED0123456789abcdefghij"

# By the shape on the page: keys that have it.
KEYS: Final[dict[str, list[str]]] = {
    "sk-...": [f"sk-{_LETTERS}", f"sk-ant-api03-{_LETTERS}", f"sk-proj-{_LETTERS}"],
    "sk_live_..., rk_live_..., pk_test_...": [
        f"{kind}_{_LETTERS}" for kind in ("sk_live", "rk_live", "pk_live", "sk_test", "pk_test")
    ],
    "whsec_...": [f"whsec_{_LETTERS}"],
    "tr_api_...": [f"tr_api_{_LETTERS}"],
    "github_pat_...": [f"github_pat_11A_{_LETTERS}"],
    "ghp_..., gho_..., ghu_..., ghs_..., ghr_...": [f"gh{kind}_{_LETTERS}" for kind in "pousr"],
    "glpat-...": [f"glpat-{_LETTERS}"],
    "xoxb-..., xapp-...": [*(f"xox{kind}-12-{_LETTERS}" for kind in "abprs"), f"xapp-1-A1-{_LETTERS}"],
    "hooks.slack.com/services/...": [f"hooks.slack.com/services/T0/B0/{_LETTERS}"],
    "AKIA..., ASIA...": ["AKIAPLANTED012345678", "ASIAPLANTED012345678"],
    "AIza...": [f"AIza{_LETTERS}"],
    "ya29....": [f"ya29.{_LETTERS}"],
    "GOCSPX-...": [f"GOCSPX-{_LETTERS}"],
    "SG....": [f"SG.{_LETTERS}.{_LETTERS}"],
    "hf_...": [f"hf_{_LETTERS}"],
    "npm_...": [f"npm_{_LETTERS}"],
    "pypi-...": [f"pypi-AgEIc{_LETTERS}"],
    "dop_v1_...": [f"dop_v1_{_LETTERS}"],
    "gsk_...": [f"gsk_{_LETTERS}"],
    "xai-...": [f"xai-{_LETTERS}"],
    "lsv2_...": [f"lsv2_pt_{_LETTERS}_ab", f"lsv2_sk_{_LETTERS}"],
    "eyJ... (a JSON Web Token)": [f"eyJhbGciOi.eyJzdWIi{_LETTERS}.{_LETTERS}"],
}

# Names and texts that only look like it.
NAMES_THAT_STAY: Final = (
    "author", "authorized", "bypass", "code", "compass", "design", "input_tokens", "key", "key_points", "keyboard",
    "llm_token", "max_tokens", "opinion", "passed", "passenger", "pinned", "postal_code", "primary_key", "secretariat",
    "secretary", "session_count", "shipping", "sign_up", "spin", "token_count", "token_type", "tokenizer",
    "tokens_used", "usage_token",
)  # fmt: skip
TEXTS_THAT_STAY: Final = (
    "The token is fine, my secret too.", "A password reset was sent.", "the token ring", "password reset link: here",
    "max_tokens: 5", "tokens_used: 12", "tokens: 12", '{"tokens": 12}', "usage_token=12", "Secretary: Ann",
    "pinned: yes, passed: 3", "key_points: two", "author=Ada", "https://example.com/a:b@c", "https://x:8080/a@b",
    "ssh://git@github.com/x", '{"label": "Password:", "type": "text"}', "Enter your password: ", "password=",
    'password=""', "token: null", '{"token": true}', "session: {room: 1}", "npm_config_registry", "disk-usage of ASIA",
    "-----BEGIN CERTIFICATE-----abc-----END CERTIFICATE-----", '["password", "email", "name"]', "a[token]",
    "12:30 auth",
    "<password></password>", "password: [masked]",
)  # fmt: skip
