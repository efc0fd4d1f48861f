from __future__ import annotations

import os
import pwd

import pytest

from linkpack.system.accounts import home_folder


def test_an_absolute_home_is_the_home_folder() -> None:
    assert home_folder({"HOME": "/somewhere"}) == "/somewhere"


@pytest.mark.parametrize("env", [{}, {"HOME": ""}, {"HOME": "home/me"}], ids=["missing", "empty", "relative"])
def test_without_a_home_the_user_database_answers(env: dict[str, str]) -> None:
    assert home_folder(env) == pwd.getpwuid(os.geteuid()).pw_dir


def test_a_user_without_an_entry_has_no_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nobody(number: int) -> pwd.struct_passwd:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", find_nobody)
    assert home_folder({}) == ""
