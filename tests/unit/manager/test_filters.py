"""Event filters, older and newer syntax."""

import pytest

from offhook.control.manager.filters import FilterError, Filters

NEWCHANNEL = ("Newchannel", "Event: Newchannel\r\nChannel: XXX\r\nSomeheader: YYY\r\n\r\n")
VARSET = ("VarSet", "Event: VarSet\r\nChannel: ABC\r\nSomeheader: XXX\r\n\r\n")


def passes(event, *filters):
    chosen = Filters()
    for criteria, expression in filters:
        chosen.add(criteria, expression)
    return chosen.pass_on(*event)


def test_without_filters_everything_passes():
    assert passes(NEWCHANNEL)


@pytest.mark.parametrize(
    ("criteria", "expression", "event", "expected"),
    [
        ("eventfilter", "Event: Newchannel", NEWCHANNEL, True),
        ("eventfilter", "Event: Newchannel", VARSET, False),
        ("eventfilter", "Event: Newchannel.*Channel: XXX", NEWCHANNEL, True),
        ("eventfilter", "!Event: VarSet", VARSET, False),
        ("eventfilter", "!Event: VarSet", NEWCHANNEL, True),
        ("eventfilter(name(VarSet),method(none))", "", VARSET, True),
        ("eventfilter(name(VarSet))", "", NEWCHANNEL, False),
        ("eventfilter(name(Newchannel),method(regex))", "X[XYZ]X", NEWCHANNEL, True),
        ("eventfilter(name(Newchannel),method(regex))", "X[abc]X", NEWCHANNEL, False),
        ("eventfilter(action(exclude),name(Newchannel),method(regex))", "X[XYZ]X", NEWCHANNEL, False),
        ("eventfilter(name(VarSet),header(Channel),method(starts_with))", "AB", VARSET, True),
        ("eventfilter(name(VarSet),header(Channel:),method(ends_with))", "BC", VARSET, True),
        ("eventfilter(header(Channel),method(exact))", "ABC", VARSET, True),
        ("eventfilter(header(Channel),method(exact))", "AB", VARSET, False),
        ("eventfilter(header(Channel),method(contains))", "B", VARSET, True),
        ("eventfilter(header(Channel),method(exact))", "!ZZZ", VARSET, True),
        ("eventfilter(action(include),header(Someheader),method(exact))", "!XXX", VARSET, True),
    ],
)
def test_one_filter(criteria, expression, event, expected):
    assert passes(event, (criteria, expression)) is expected


def test_includes_choose_and_excludes_take_away():
    filters = (("eventfilter(name(Newchannel))", ""), ("eventfilter(header(Channel),method(contains))", "!XX"))
    assert not passes(NEWCHANNEL, *filters)
    assert not passes(VARSET, *filters)
    assert passes(("Newchannel", "Event: Newchannel\r\nChannel: A\r\n\r\n"), *filters)


@pytest.mark.parametrize(
    ("criteria", "expression"),
    [
        ("eventfilter", ""),
        ("eventfilter", "!"),
        ("eventfilter()", "XXX"),
        ("eventfilter(action(include)", ""),
        ("eventfilter(action(inlude))", ""),
        ("eventfilter(nnnn(yyy))", "XXX"),
        ("eventfilter(name(yyy),heder(VarSet),method(contains))", "XXX"),
        ("eventfilter(method(yyy))", "XXX"),
        ("eventfilter(name(yyy),method(contains))", ""),
        ("eventfilter(name(yyy))", "XXX"),
        ("eventfilter(action(exclude))", ""),
    ],
)
def test_filters_that_make_no_sense_are_refused(criteria, expression):
    with pytest.raises(FilterError) as caught:
        Filters().add(criteria, expression)
    assert not caught.value.compile


@pytest.mark.parametrize("criteria", ["eventfilter", "eventfilter(method(regex))"])
def test_a_broken_expression_says_so(criteria):
    with pytest.raises(FilterError) as caught:
        Filters().add(criteria, "XX[X")
    assert caught.value.compile
