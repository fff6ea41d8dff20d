"""The hosted payment page: plain HTML, no script, everything from here. Pure."""

from html import escape
from urllib.parse import urlsplit

from xroute.embedded.stripe.store import Object

STYLE = """
:root { color-scheme: light dark; --line: #8886; --accent: #0b6bcb; --bad: #b3261e; --soft: #8881; }
@media (prefers-color-scheme: dark) { :root { --accent: #7ab8ff; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 27rem; margin: 0 auto; padding: 2rem 1rem 3rem; }
.note { margin: 0 0 1.5rem; padding: .5rem .75rem; border: 1px dashed var(--line); border-radius: 8px; }
.note, .hint { font-size: .875rem; }
h1 { margin: 0; font-size: 1rem; font-weight: 500; }
.amount { margin: 0 0 1.5rem; font-size: 2.25rem; font-weight: 650; font-variant-numeric: tabular-nums; }
fieldset { margin: 0 0 1rem; padding: .75rem 1rem 1rem; border: 1px solid var(--line); border-radius: 10px; }
legend { padding: 0 .25rem; }
label { display: block; margin-top: .5rem; font-size: .875rem; }
input[type=text] { width: 100%; padding: .55rem .7rem; font: inherit; border: 1px solid var(--line); border-radius: 8px;
  background: var(--soft); color: inherit; font-variant-numeric: tabular-nums; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
button { width: 100%; padding: .75rem; font: inherit; font-weight: 600; border: 0; border-radius: 10px;
  background: #0b6bcb; color: #fff; cursor: pointer; }
button:focus-visible, input:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.error { margin: 0 0 1rem; padding: .6rem .75rem; border: 1px solid var(--bad); border-radius: 8px; color: var(--bad); }
.back { display: block; margin-top: 1rem; text-align: center; }
a { color: var(--accent); }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; margin: .5rem 0 0; }
dd { margin: 0; }
.lines { grid-template-columns: 1fr auto; margin: 0 0 1.5rem; font-variant-numeric: tabular-nums; }
"""
HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/c/style.css">
<link rel="icon" href="data:,">
</head>
<body>
<main>
<p class="note">Emulated payment page. No money moves: use the test numbers below.</p>
"""
FORM = """<h1>{what}</h1>
<p class="amount">{amount}</p>
{lines}{error}<form method="post" action="/c/pay/{id}">
{address}<fieldset>
<legend><label><input type="radio" name="method" value="card"{card_on}> Card</label></legend>
<label for="number">Card number</label>
<input type="text" id="number" name="number" inputmode="numeric" autocomplete="off" maxlength="24" value="{number}">
<div class="two">
<div><label for="expiry">Expiry (MM / YY)</label>
<input type="text" id="expiry" name="expiry" autocomplete="off" maxlength="9" value="12 / 34"></div>
<div><label for="cvc">CVC</label>
<input type="text" id="cvc" name="cvc" inputmode="numeric" autocomplete="off" maxlength="4" value="123"></div>
</div>
<dl class="hint"><dt>4242 4242 4242 4242</dt><dd>is paid</dd><dt>4000 0000 0000 0002</dt><dd>is declined</dd>
<dt>4000 0000 0000 9995</dt><dd>has insufficient funds</dd>
<dt>4000 0000 0000 0341</dt><dd>is paid, declined when charged later</dd>
<dt>4000 0025 0000 3155</dt><dd>is paid, to be confirmed when charged later</dd></dl>{saved}
</fieldset>
<fieldset>
<legend><label><input type="radio" name="method" value="bank"{bank_on}> Bank debit, which takes a while</label></legend>
<label for="account">Account number</label>
<input type="text" id="account" name="account" inputmode="numeric" autocomplete="off" maxlength="24" value="{account}">
<dl class="hint"><dt>000123456789</dt><dd>is paid after a while</dd>
<dt>000111111116</dt><dd>fails after a while</dd></dl>
</fieldset>
<button type="submit">Pay {amount}</button>
</form>
{back}"""
ADDRESS = """<fieldset>
<legend>Billing address</legend>
<label for="line">Address</label>
<input type="text" id="line" name="line" autocomplete="off" maxlength="100" value="1 Test Street">
<label for="country">Country</label>
<input type="text" id="country" name="country" autocomplete="off" maxlength="2" value="DE">
</fieldset>
"""
SAVED = '<p class="hint">The shop saves this card and may charge it later.</p>'
GOOD_CARD, GOOD_ACCOUNT = "4242 4242 4242 4242", "000123456789"


def amount(session: Object) -> str:
    return f"{session['amount_total'] / 100:,.2f} {session['currency'].upper()}"


def _lines(session: Object) -> str:
    """What the amount is made of, where that is more than one thing."""
    parts = [(item["description"], item["amount_subtotal"]) for item in session["_items"]]
    if tax := session["total_details"]["amount_tax"]:
        parts.append(("Tax", tax))
    if len(parts) < 2:
        return ""
    rows = "".join(f"<dt>{escape(what)}</dt><dd>{cents / 100:,.2f}</dd>" for what, cents in parts)
    return f'<dl class="lines">{rows}</dl>\n'


def form(session: Object, *, error: str = "", method: str = "card", number: str = "", account: str = "") -> str:
    """The page of an open session; after a refusal with what was typed."""
    back = (
        f'<a class="back" href="{escape(session["cancel_url"])}">Back, without paying</a>'
        if session["cancel_url"]
        else ""
    )
    body = FORM.format(
        id=escape(session["id"]),
        what=escape(session["_items"][0]["description"]),
        amount=escape(amount(session)),
        lines=_lines(session),
        address=ADDRESS if session["billing_address_collection"] == "required" else "",
        saved=SAVED if session["_intent"].get("setup_future_usage") else "",
        error=f'<p class="error" role="alert">{escape(error)}</p>\n' if error else "",
        card_on=" checked" if method != "bank" else "",
        bank_on=" checked" if method == "bank" else "",
        number=escape(number or GOOD_CARD),
        account=escape(account or GOOD_ACCOUNT),
        back=back,
    )
    return HEAD.format(title=f"Pay {escape(amount(session))}") + body + "\n</main>\n</body>\n</html>\n"


def closed(title: str, text: str) -> str:
    """The page of a session that cannot be paid."""
    body = f"<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>"
    return HEAD.format(title=escape(title)) + body + "\n</main>\n</body>\n</html>\n"


def policy(session: Object | None) -> bytes:
    """The page's CSP. The form is answered by a redirect to the shop, which browsers take for a form's target too."""
    targets = ["'self'"]
    for name in ("success_url", "cancel_url"):
        if session and session[name]:
            split = urlsplit(session[name])
            targets.append(f"{split.scheme}://{split.netloc}")
    return (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {' '.join(dict.fromkeys(targets))}"
    ).encode()
