"""manager.conf and the classes it names."""

from offhook.config.acl import NamedAcls
from offhook.config.parser import loads
from offhook.control.manager import permissions
from offhook.control.manager.settings import read_settings


def read(text):
    return read_settings(loads(text, "manager.conf"), NamedAcls())


def test_defaults_are_those_of_asterisk():
    settings = read("")
    assert (settings.enabled, settings.host, settings.port) == (False, "::", 5038)
    assert (settings.auth_timeout_s, settings.most_unauthenticated, settings.http_timeout_s) == (30, 50, 60)


def test_users_take_what_general_says_unless_they_say_otherwise():
    settings = read(
        "[general]\nallowmultiplelogin=no\ndisplayconnects=no\n[one]\nsecret=a\n[two]\nallowmultiplelogin=yes\n"
    )
    assert [user.multiple_logins for user in settings.users.values()] == [False, True]
    assert not settings.user("ONE").display_connects


def test_variables_of_a_user_come_last_one_first():
    user = read("[one]\nsetvar=A=1\nsetvar=B=x=y\n").user("one")
    assert user.variables == [("B", "x=y"), ("A", "1")]


def test_permissions_are_words_and_unknown_ones_count_nothing():
    user = read("[one]\nread=system,call\nwrite = all\n[two]\nread=nonsense\n")
    assert user.user("one").read == permissions.SYSTEM | permissions.CALL
    assert user.user("one").write == permissions.ALL
    assert user.user("two").read == 0


def test_a_user_with_a_broken_acl_does_not_exist():
    settings = read("[one]\nsecret=a\npermit=nonsense\n[two]\nsecret=b\ndeny=0.0.0.0/0\n")
    assert settings.user("one") is None
    assert not settings.user("two").acl.allows("127.0.0.1")
    assert str(settings.errors[0]).startswith("manager.conf:3:")


def test_mistakes_are_told_with_their_lines():
    settings = read("[general]\nport=99\nauthtimeout=0\nnonsense=1\n[one]\nsetvar=A\neventfilter=\nwhat=1\n")
    assert [error.line for error in settings.errors] == [2, 3, 4, 6, 7, 8]
    assert settings.port == 5038


def test_event_masks():
    assert permissions.parse_event_mask("") is None
    assert permissions.parse_event_mask("off") == 0
    assert permissions.parse_event_mask("on") == permissions.ALL
    assert permissions.parse_event_mask("65") == permissions.SYSTEM | permissions.USER
    assert permissions.parse_event_mask("call,user") == permissions.CALL | permissions.USER
    assert permissions.parse_event_mask("nonsense") == 0


def test_privileges_are_told_with_all_at_the_end():
    assert permissions.privilege(permissions.SYSTEM | permissions.CALL) == "system,call,all"
    assert permissions.privilege(0) == "<none>"
    assert permissions.granted(permissions.CALL) == "call"
    assert permissions.granted(permissions.ALL).endswith(",message,all")
