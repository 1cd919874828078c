"""Actions on configuration files."""

import pytest

TEXT = """\
; mine
[a]
x=1 ; one
y=>2
[t](!)
z=3
[b](t)
q=4
"""


@pytest.fixture
def file(ami, tmp_path):
    path = tmp_path / "test.conf"
    path.write_text(TEXT)
    return path


async def update(admin, *changes, **headers):
    for number, change in enumerate(changes):
        for name, value in change.items():
            headers[f"{name}-{number:06d}"] = value
    return await admin.one("UpdateConfig", SrcFilename="test.conf", DstFilename="test.conf", **headers)


async def test_reading_a_file(file, admin):
    (answer,) = await admin.act("GetConfig", Filename="test.conf", ActionID="1")
    assert answer == [
        "Response: Success",
        "ActionID: 1",
        "Category-000000: a",
        "Line-000000-000000: x=1",
        "Line-000000-000001: y=2",
        "Category-000001: b",
        "Templates-000001: t",
        "Line-000001-000000: z=3",
        "Line-000001-000001: q=4",
    ]
    (answer,) = await admin.act("GetConfig", Filename="test.conf", Filter="TEMPLATES=restrict")
    assert answer[1:3] == ["Category-000000: t", "IsTemplate-000000: 1"]
    assert (await admin.act("GetConfig", Filename="test.conf", Category="zz"))[0][-1] == "No categories found"


async def test_reading_a_file_as_json(file, admin):
    answer = await admin.one("GetConfigJSON", Filename="test.conf")
    assert answer["JSON"] == '{"a":{"x":"1","y":"2"},"b":{"templates":"t","z":"3","q":"4"}}'


async def test_listing_sections(file, admin):
    assert await admin.one("ListCategories", Filename="test.conf") == {
        "Response": "Success",
        "Category-000000": "a",
        "Category-000001": "b",
    }


@pytest.mark.parametrize("action", ["GetConfig", "GetConfigJSON", "ListCategories"])
async def test_files_elsewhere_need_live_dangerously(exchange, file, admin, action):
    assert (await admin.one(action, Filename="/etc/passwd"))["Message"] == "File requires escalated privileges"
    assert (await admin.one(action, Filename="../../../../etc/passwd"))["Response"] == "Error"
    assert (await admin.one(action))["Message"] == "Filename not specified"
    exchange.pbx.options.live_dangerously = True
    assert (await admin.one(action, Filename="/etc/passwd"))["Response"] == "Success"


async def test_a_link_out_of_the_folder_is_elsewhere(file, admin, tmp_path):
    (tmp_path / "link.conf").symlink_to("/etc/passwd")
    answer = await admin.one("GetConfig", Filename="link.conf")
    assert answer["Message"] == "File requires escalated privileges"


async def test_what_is_not_there(file, admin):
    assert (await admin.one("GetConfig", Filename="none.conf"))["Message"] == "Config file not found"


async def test_making_a_file(file, admin, tmp_path):
    assert (await admin.one("CreateConfig", Filename="new.conf"))["Response"] == "Success"
    assert (tmp_path / "new.conf").read_text() == ""
    assert (await admin.one("CreateConfig", Filename="new.conf"))["Message"] == "File exists"
    assert (await admin.one("CreateConfig", Filename="/tmp/x.conf"))["Message"] == "File requires escalated privileges"
    assert (await admin.one("CreateConfig", Filename="none/x.conf"))["Message"] == "No such file or directory"


async def test_changes_leave_the_rest_as_it_was(file, admin):
    answer = await update(
        admin,
        {"Action": "Update", "Cat": "a", "Var": "x", "Value": "7"},
        {"Action": "Append", "Cat": "b", "Var": "more", "Value": ">obj"},
        {"Action": "NewCat", "Cat": "c", "Options": 'inherit="t"'},
        {"Action": "Delete", "Cat": "a", "Var": "y"},
    )
    assert answer == {"Response": "Success"}
    assert file.read_text() == ("; mine\n[a]\nx = 7 ; one\n[t](!)\nz=3\n[b](t)\nq=4\nmore => obj\n\n[c](t)\n")


async def test_order_of_lines_and_sections(file, admin):
    await update(
        admin,
        {"Action": "Insert", "Cat": "a", "Var": "w", "Value": "0", "Line": "0"},
        {"Action": "RenameCat", "Cat": "a", "Value": "aa"},
        {"Action": "EmptyCat", "Cat": "b"},
    )
    (answer,) = await admin.act("GetConfig", Filename="test.conf", Category="aa")
    assert answer[2] == "Line-000000-000000: w=0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Action": "Bogus", "Cat": "a"}, "Unknown action command"),
        ({"Action": "NewCat"}, "Category not specified"),
        ({"Action": "NewCat", "Cat": "a"}, "Create category did not complete successfully"),
        (
            {"Action": "NewCat", "Cat": "n", "Options": 'inherit="none"'},
            "Create category did not complete successfully",
        ),
        ({"Action": "DelCat", "Cat": "none"}, "Given category does not exist"),
        ({"Action": "Update", "Cat": "a"}, "Problem with category, value, or line (if required)"),
        ({"Action": "Update", "Cat": "a", "Var": "none", "Value": "1"}, "Update did not complete successfully"),
        ({"Action": "Insert", "Cat": "a", "Var": "v"}, "Problem with category, value, or line (if required)"),
        ({"Action": "RenameCat", "Cat": "a"}, "Problem with category, value, or line (if required)"),
    ],
)
async def test_changes_that_cannot_be_made_change_nothing(file, admin, change, message):
    assert (await update(admin, change))["Message"] == message
    assert file.read_text() == TEXT


@pytest.mark.parametrize(
    "change",
    [
        {"Action": "NewCat", "Cat": "a"},
        {"Action": "DelCat", "Cat": "none"},
        {"Action": "Delete", "Cat": "a", "Var": "none"},
    ],
)
async def test_some_errors_may_be_ignored(file, admin, change):
    assert (await update(admin, {**change, "Options": "ignoreerror"}))["Response"] == "Success"


async def test_sections_of_one_name_are_told_apart_by_a_filter(file, admin):
    await update(
        admin,
        {"Action": "NewCat", "Cat": "a", "Options": "allowdups"},
        {"Action": "Append", "Cat": "a", "Var": "mark", "Value": "1", "Options": 'catfilter="x=1"'},
    )
    (answer,) = await admin.act("GetConfig", Filename="test.conf", Filter="mark=1")
    assert sum(line.startswith("Category") for line in answer) == 1
