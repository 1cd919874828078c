"""Variables: order, inheritance, shadowing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offhook.dialplan.variables import Variables


def made(*assignments: tuple[str, str]) -> Variables:
    variables = Variables()
    for name, value in assignments:
        variables.set(name, value)
    return variables


def test_the_last_assignment_comes_first():
    variables = made(("a", "1"), ("b", "2"), ("a", "3"))
    assert list(variables.items()) == [("a", "3"), ("b", "2")]


def test_names_are_case_sensitive():
    variables = made(("Name", "1"))
    assert variables.get("name") is None
    assert variables.get("Name") == "1"


def test_one_underscore_is_inherited_once_and_two_for_ever():
    parent = made(("_once", "1"), ("__always", "2"), ("own", "3"))
    assert parent.get("once") == "1"
    assert list(parent.inherited()) == [("once", "1"), ("__always", "2")]
    child = made(*parent.inherited())
    assert list(child.inherited()) == [("__always", "2")]


def test_an_assignment_without_underscores_ends_the_inheritance():
    parent = made(("_x", "1"), ("x", "2"))
    assert parent.get("x") == "2"
    assert list(parent.inherited()) == []


def test_written_names_show_the_underscores():
    assert list(made(("__x", "1"), ("_y", "2"), ("z", "3")).written()) == [("z", "3"), ("_y", "2"), ("__x", "1")]


def test_a_pushed_value_hides_the_older_one_until_it_is_popped():
    variables = made(("ARG1", "outer"), ("other", "o"))
    variables.push("ARG1", "inner")
    assert variables.get("ARG1") == "inner"
    assert list(variables.items()) == [("ARG1", "inner"), ("other", "o"), ("ARG1", "outer")]
    assert variables.pop("ARG1") == "inner"
    assert list(variables.items()) == [("other", "o"), ("ARG1", "outer")]
    assert variables.get("ARG1") == "outer"


def test_assigning_touches_only_the_value_in_sight():
    variables = made(("x", "1"))
    variables.push("x", "2")
    variables.set("x", "3")
    assert variables.pop("x") == "3"
    assert variables.get("x") == "1"


def test_a_hidden_value_keeps_its_inheritance():
    variables = made(("_x", "1"))
    variables.push("x", "2")
    assert list(variables.inherited()) == []
    variables.pop("x")
    assert list(variables.inherited()) == [("x", "1")]


def test_popping_what_is_not_there_changes_nothing():
    variables = made(("a", "1"))
    assert variables.pop("b") is None
    assert list(variables.items()) == [("a", "1")]


_steps = st.lists(
    st.tuples(st.sampled_from(["set", "push", "pop"]), st.sampled_from("abc"), st.text(max_size=2)), max_size=30
)


@given(_steps)
def test_it_behaves_like_the_list_that_it_stands_for(steps: list[tuple[str, str, str]]):
    variables = Variables()
    model: list[tuple[str, str]] = []
    for step, name, value in steps:
        present = next((index for index, (found, _) in enumerate(model) if found == name), None)
        if step in ("set", "pop") and present is not None:
            del model[present]
        if step != "pop":
            model.insert(0, (name, value))
        getattr(variables, step)(*((name,) if step == "pop" else (name, value)))
    assert list(variables.items()) == model
    assert {name: variables.get(name) for name in "abc"} == {
        name: next((value for found, value in model if found == name), None) for name in "abc"
    }


def test_a_promise_is_worked_out_when_read_and_only_once():
    worked = []

    def work_out(name: str) -> str:
        worked.append(name)
        return f"value {len(worked)}"

    variables = made(("own", "1"))
    variables.promise(("late", "own"), work_out)
    assert worked == []
    assert "late" in variables
    assert len(variables) == 2
    assert variables.get("own") == "1"
    assert variables.get("late") == variables.get("late") == "value 1"


def test_an_assignment_takes_the_place_of_a_promise():
    variables = Variables()
    variables.promise(["late"], lambda name: "never")
    variables.set("late", "now")
    assert variables.get("late") == "now"
    assert len(variables) == 1


def test_dumps_show_what_was_promised():
    variables = made(("a", "1"))
    variables.promise(["late"], lambda name: "2")
    assert list(variables.items()) == [("late", "2"), ("a", "1")]


def test_a_promise_can_be_hidden_and_taken_away():
    variables = Variables()
    variables.promise(["late"], lambda name: "1")
    variables.push("late", "2")
    assert variables.pop("late") == "2"
    assert variables.pop("late") == "1"
    assert "late" not in variables
