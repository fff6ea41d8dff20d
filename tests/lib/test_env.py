"""Settings refuse to be wrong, and say which one and how to mend it."""

from decimal import Decimal

import pytest

from xroute.lib import env
from xroute.lib.env import BadSetting

GOOD = "k" * 40


@pytest.fixture(autouse=True)
def clean(monkeypatch) -> None:
    for name in ("X_TEST", "X_TEST_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("value", [None, "", "   "])
def test_a_missing_or_empty_secret_is_refused_with_its_name_and_the_fix(monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("X_TEST", value)
    with pytest.raises(BadSetting, match=r"X_TEST is missing or empty\. Make one with: .* set X_TEST or X_TEST_FILE"):
        env.secret("X_TEST")


@pytest.mark.parametrize("mark", [*env.PLACEHOLDERS, "CHANGEME", "Your_Secret", "<paste here>"])
def test_a_placeholder_is_no_secret_however_long(monkeypatch, mark):
    monkeypatch.setenv("X_TEST", mark + GOOD)
    with pytest.raises(BadSetting, match="X_TEST is still a placeholder"):
        env.secret("X_TEST")


def test_a_short_secret_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setenv("X_TEST", "hunter2")
    with pytest.raises(BadSetting, match="has 7 characters; at least 32") as caught:
        env.secret("X_TEST")
    assert "hunter2" not in str(caught.value)


def test_a_secret_comes_from_its_file(monkeypatch, tmp_path):
    (tmp_path / "s").write_text(GOOD + "\n")
    monkeypatch.setenv("X_TEST_FILE", str(tmp_path / "s"))
    assert env.secret("X_TEST") == GOOD


def test_a_secret_in_the_environment_wins_over_its_file(monkeypatch, tmp_path):
    monkeypatch.setenv("X_TEST", GOOD)
    monkeypatch.setenv("X_TEST_FILE", str(tmp_path / "none"))
    assert env.secret("X_TEST") == GOOD


def test_an_unreadable_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("X_TEST_FILE", str(tmp_path / "none"))
    with pytest.raises(BadSetting, match=r"X_TEST_FILE is '.*none', which cannot be read: No such file"):
        env.secret("X_TEST")


def test_an_empty_file_is_an_empty_secret(monkeypatch, tmp_path):
    (tmp_path / "s").write_text("\n")
    monkeypatch.setenv("X_TEST_FILE", str(tmp_path / "s"))
    with pytest.raises(BadSetting, match="X_TEST is missing or empty"):
        env.secret("X_TEST")


def test_text_without_default_is_required():
    with pytest.raises(BadSetting, match="X_TEST is not set"):
        env.text("X_TEST")
    assert env.text("X_TEST", "d") == "d"


@pytest.mark.parametrize(
    ("raw", "message"), [("ten", "whole number"), ("1.5", "whole number"), ("11", "between 1 and 10")]
)
def test_integers_are_whole_and_in_range(monkeypatch, raw, message):
    monkeypatch.setenv("X_TEST", raw)
    with pytest.raises(BadSetting, match=rf"X_TEST is .*{message}"):
        env.integer("X_TEST", 5, low=1, high=10)


@pytest.mark.parametrize(
    ("raw", "message"), [("fast", "must be a number"), ("-1", "between"), ("nan", "between"), ("inf", "between")]
)
def test_numbers_are_finite_and_in_range(monkeypatch, raw, message):
    monkeypatch.setenv("X_TEST", raw)
    with pytest.raises(BadSetting, match=message):
        env.number("X_TEST", 5)


def test_readers_read(monkeypatch):
    monkeypatch.setenv("X_TEST", " 7 ")
    assert (env.integer("X_TEST", 1), env.number("X_TEST", 1)) == (7, 7.0)
    monkeypatch.setenv("X_TEST", "a, b,,c ")
    assert env.words("X_TEST") == ["a", "b", "c"]
    assert env.choice("X_MISSING", "demo", ("demo", "test")) == "demo"
    with pytest.raises(BadSetting, match="must be one of: demo, test"):
        env.choice("X_TEST", "demo", ("demo", "test"))


def test_dotenv_fills_only_what_is_not_set(monkeypatch, tmp_path):
    path = tmp_path / ".env"
    path.write_text("# comment\n\nexport X_TEST='from file'\nX_OTHER=\"2\"\n")
    monkeypatch.setenv("X_OTHER", "1")
    monkeypatch.setenv("X_TEST", "")
    monkeypatch.delenv("X_TEST")
    env.load_dotenv(path)
    assert (env.text("X_TEST"), env.text("X_OTHER")) == ("from file", "1")
    env.load_dotenv(tmp_path / "none")


def test_a_torn_dotenv_names_its_line(tmp_path):
    path = tmp_path / ".env"
    path.write_text("A_B=1\nnonsense\n")
    with pytest.raises(BadSetting, match=r"\.env:2: expected NAME=value"):
        env.load_dotenv(path)


@pytest.mark.parametrize("value", ["open", "invite", "closed", "domain:example.com", "domain:a.org,b.co.uk"])
def test_who_may_sign_up_is_one_of_the_known_forms(monkeypatch, value):
    monkeypatch.setenv("X", value)
    assert env.signup("X") == value


@pytest.mark.parametrize("value", ["everyone", "domain:", "domain:nodot", "domain:a.org,"])
def test_another_form_of_sign_up_is_refused(monkeypatch, value):
    monkeypatch.setenv("X", value)
    with pytest.raises(env.BadSetting, match="open, invite, closed or domain"):
        env.signup("X")


def test_a_colour_is_six_hexadecimal_digits(monkeypatch):
    monkeypatch.setenv("X", "#0f766e")
    assert env.colour("X") == "#0f766e"
    monkeypatch.setenv("X", "red;}body{")
    with pytest.raises(env.BadSetting, match="a colour"):
        env.colour("X")


def test_a_logo_is_a_path_of_this_installation(monkeypatch):
    monkeypatch.setenv("X", "/static/img/logo.png")
    assert env.same_origin("X") == "/static/img/logo.png"
    for value in ("https://elsewhere.org/logo.png", "//elsewhere.org/logo.png", "/\\\\elsewhere.org", "logo.png"):
        monkeypatch.setenv("X", value)
        with pytest.raises(env.BadSetting, match="a path here"):
            env.same_origin("X")


@pytest.mark.parametrize(
    ("read", "raw", "fix"),
    [
        (env.percent, "50.0001", "a percentage from 0 to 50, such as 5 or 5.5"),
        (env.percent, "51", "a percentage from 0 to 50, such as 5 or 5.5"),
        (env.percent, "1.00001", "a percentage"),
        (env.percent, "-1", "a percentage"),
        (env.percent, "5%", "a percentage"),
        (env.percent, "5,5", "a percentage"),
        (env.percent, "NaN", "a percentage"),
        (env.percent, "1e1", "a percentage"),
        (env.percent, ".5", "a percentage"),
        (env.cents, "0.005", "an amount in whole cents, such as 0.50"),
        (env.cents, "0.010000001", "an amount in whole cents, such as 0.50"),
        (env.cents, "1000000", "an amount of USD such as 1 or 0.50"),
        (env.cents, "$1", "an amount of USD"),
        (env.cents, "-0.50", "an amount of USD"),
        (env.cents, "0.0000000001", "an amount of USD"),
        (lambda name, _: env.flag(name), "yes", "one of: true, false"),
        (lambda name, _: env.flag(name), "True", "one of: true, false"),
        (lambda name, _: env.flag(name), "1", "one of: true, false"),
        (lambda name, _: env.tax_code(name), "10000000", "a tax code of Stripe's, such as txcd_10000000"),
        (lambda name, _: env.tax_code(name), "txcd_1000000", "a tax code of Stripe's"),
        (lambda name, _: env.tax_code(name), "txcd_100000000", "a tax code of Stripe's"),
        (lambda name, _: env.tax_code(name), "TXCD_10000000", "a tax code of Stripe's"),
    ],
)
def test_what_is_no_fee_or_tax_names_the_variable_and_the_fix(monkeypatch, read, raw, fix):
    monkeypatch.setenv("X_TEST", raw)
    with pytest.raises(BadSetting) as caught:
        read("X_TEST", "0")
    assert str(caught.value).startswith(f"X_TEST is {raw!r}; it must be {fix}")


@pytest.mark.parametrize(
    ("read", "raw", "value"),
    [
        (env.percent, "0", "0"),
        (env.percent, "0.0001", "0.0001"),
        (env.percent, "50", "50"),
        (env.percent, "50.0000", "50"),
        (env.percent, "", "0"),
        (env.cents, "0", 0),
        (env.cents, "0.01", 1),
        (env.cents, "0.010000000", 1),
        (env.cents, "999999.99", 99_999_999),
        (env.cents, "", 0),
        (lambda name, _: env.flag(name), "true", True),
        (lambda name, _: env.flag(name, default=True), "false", False),
        (lambda name, _: env.flag(name, default=True), "", True),
        (lambda name, _: env.flag(name), "", False),
        (lambda name, _: env.tax_code(name), "txcd_10000000", "txcd_10000000"),
        (lambda name, _: env.tax_code(name), "", ""),
    ],
)
def test_fee_and_tax_up_to_their_boundaries(monkeypatch, read, raw, value):
    monkeypatch.setenv("X_TEST", raw)
    assert read("X_TEST", "0") == (Decimal(value) if read == env.percent else value)


def test_a_font_is_a_font(monkeypatch, tmp_path):
    path = tmp_path / "font.ttf"
    monkeypatch.setenv("XROUTE_PDF_FONT", str(path))
    with pytest.raises(env.BadSetting, match=r"XROUTE_PDF_FONT is .* cannot be read: No such file"):
        env.font("XROUTE_PDF_FONT")
    path.write_bytes(b"ttcf and more")
    with pytest.raises(env.BadSetting, match=r"must be the path of one font, a \.ttf or \.otf"):
        env.font("XROUTE_PDF_FONT")
    path.write_bytes(b"OTTO and more")
    assert env.font("XROUTE_PDF_FONT") == str(path)
