"""One URL, read the same for Django and psycopg."""

import psycopg
import pytest
from hypothesis import given, strategies as st

from xroute.lib.database import django_database, parts
from xroute.lib.env import BadSetting
from xroute.lib.pg import conninfo


def test_all_parts():
    assert parts("postgresql://u%40x:p%2Fw@db.example:5433/na%20me?sslmode=require") == {
        "dbname": "na me",
        "user": "u@x",
        "password": "p/w",
        "host": "db.example",
        "port": "5433",
        "sslmode": "require",
    }


def test_a_unix_socket_is_a_host():
    assert parts("postgres://u:p@/d?host=/run/pg") == {"dbname": "d", "user": "u", "password": "p", "host": "/run/pg"}


@pytest.mark.parametrize("url", ["mysql://u@h/d", "sqlite:///x", "", "host=h dbname=d"])
def test_other_databases_are_refused(url):
    with pytest.raises(BadSetting, match="must start with postgresql://"):
        parts(url)


def test_a_url_without_a_name_is_refused():
    with pytest.raises(BadSetting, match="names no database"):
        parts("postgresql://u:p@h:5432/")


def test_django_gets_the_rest_as_options():
    found = django_database("postgresql://u:p@h:1/d?sslmode=require")
    assert (found["NAME"], found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("d", "u", "p", "h", "1")
    assert found["OPTIONS"] == {"sslmode": "require", "connect_timeout": 5, "application_name": "xroute-django"}
    assert django_database("postgresql://u@h/d?connect_timeout=9")["OPTIONS"]["connect_timeout"] == "9"


@given(st.text(st.characters(codec="ascii", exclude_characters="\x00"), min_size=1, max_size=30))
def test_any_password_survives(password):
    from urllib.parse import quote

    url = f"postgresql://u:{quote(password, safe='')}@h/d"
    assert parts(url)["password"] == password
    assert psycopg.conninfo.conninfo_to_dict(conninfo(url))["password"] == password


def test_a_dead_peer_is_noticed_and_the_url_may_say_otherwise():
    found = psycopg.conninfo.conninfo_to_dict(conninfo("postgresql://u@h/d?connect_timeout=9"))
    assert (str(found["connect_timeout"]), found["keepalives_idle"], found["tcp_user_timeout"]) == ("9", "5", "10000")
