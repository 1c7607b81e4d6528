# SPDX-License-Identifier: MIT
"""What a newcomer does first: two people log in, become contacts and chat."""

from profanity import Profanity


def test_two_contacts_chat_and_one_returns(server, tmp_path):
    anna_user, ben_user = server.user("anna"), server.user("ben")
    anna_jid, ben_jid = anna_user.jid, ben_user.jid
    with Profanity(tmp_path / "anna") as anna:
        anna.connect(server, anna_user)
        with Profanity(tmp_path / "ben") as ben:
            ben.connect(server, ben_user)

            anna.type(f"/sub request {ben_jid}")
            ben.sees(f"Received authorization request from {anna_jid}")
            ben.type(f"/sub allow {anna_jid}")
            anna.sees(rf"\+\+ {ben_jid} .*is online")
            ben.type(f"/sub request {anna_jid}")
            anna.sees(f"Received authorization request from {ben_jid}")
            anna.type(f"/sub allow {ben_jid}")
            ben.sees(rf"\+\+ {anna_jid} .*is online")

            anna.type(f"/msg {ben_jid} Are you there?")
            ben.sees(f"chat message: {anna_jid}")
            ben.type("/win 2")
            ben.sees("Are you there")
            ben.type("I am, ünïcödé and <all> & more")
            anna.sees("I am, ünïcödé and <all> & more")
            ben.type("/quit")
            anna.sees(rf"-- {ben_jid} .*is offline|{ben_jid} \[offline\]")
        anna.type("Read this when you are back")
        anna.sees("me: Read this when you are back")
        with Profanity(tmp_path / "ben") as ben:
            ben.connect(server, ben_user)
            ben.sees(f"chat message: {anna_jid}")
            ben.type("/win 2")
            ben.sees("Read this when you are back")


def test_a_wrong_password_is_refused(server, tmp_path):
    with Profanity(tmp_path / "clara") as clara:
        clara.connect(server, server.user("clara")._replace(password="wrong"), sees="(?i)login failed")
