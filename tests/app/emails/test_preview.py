"""Mails of a dry run, written to be looked at."""

import stat
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from app.emails.headers import MailFormatError
from app.emails.preview import write_previews
from app.emails.wire import as_sent
from tests.app.emails.examples import COORDINATOR, DIGESTS, PARTNER_EN, example_mail, part
from tests.app.emails.test_digest import Page


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_each_mail_is_written_with_its_parts_and_listed(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "nightly"
    mails = [(digest, example_mail(digest)) for digest in DIGESTS.values()]
    assert write_previews(folder, iter(mails)) == 4
    names = [f"{n:03d}.{kind}" for n in range(1, 5) for kind in ("html", "txt", "eml")]
    assert sorted(file.name for file in folder.iterdir()) == sorted([*names, "index.html"])
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    assert page.links == names
    assert "001staffja2114" in page.text
    assert (folder / "001.eml").read_bytes() == as_sent(mails[0][1])
    assert (folder / "001.html").read_bytes() == part(mails[0][1], "html").encode()
    read = message_from_bytes((folder / "001.eml").read_bytes(), policy=policy.default)
    assert str(read["Subject"]) == str(mails[0][1]["Subject"])


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "nightly"
    folder.mkdir(mode=0o755)
    write_previews(folder, [(COORDINATOR, example_mail(COORDINATOR))])
    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}


def test_what_an_earlier_preview_left_is_gone_and_nothing_else(tmp_path: Path) -> None:
    write_previews(tmp_path, [(digest, example_mail(digest)) for digest in DIGESTS.values()])
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    write_previews(tmp_path, [(PARTNER_EN, example_mail(PARTNER_EN))])
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "001.eml",
        "001.html",
        "001.txt",
        "index.html",
        "notes.txt",
    ]


def test_no_link_is_followed(tmp_path: Path) -> None:
    folder, other = tmp_path / "nightly", tmp_path / "other"
    folder.mkdir()
    other.write_text("mine", encoding="utf-8")
    (folder / "001.eml").symlink_to(other)
    write_previews(folder, [(COORDINATOR, example_mail(COORDINATOR))])
    assert other.read_text(encoding="utf-8") == "mine"
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(MailFormatError, match="link"):
        write_previews(tmp_path / "link", [])


def test_the_index_names_nobody_and_escapes_all(tmp_path: Path) -> None:
    hostile = replace(COORDINATOR, language="<script>")  # type: ignore[arg-type]  # on purpose
    write_previews(tmp_path, [(hostile, example_mail(COORDINATOR))])
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<script>" not in index
    assert "&lt;script&gt;" in index
    assert "河野" not in index
    assert "@enmusubi" not in index


def test_no_mails_make_an_index_that_says_so(tmp_path: Path) -> None:
    assert write_previews(tmp_path, []) == 0
    assert "digests: 0" in (tmp_path / "index.html").read_text(encoding="utf-8")
