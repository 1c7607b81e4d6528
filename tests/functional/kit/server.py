# SPDX-License-Identifier: MIT
"""A server of one's own: configuration, ports and data in a folder that goes away.

    server = Server(folder, authority, {"modules": {"offline": {}}})
    server.start()
    user = server.user("juliet")        # a new account at server.host
    server.kill(); server.start()       # the same data again
    server.stop()                       # SIGTERM; a clean end is asserted
"""

import collections
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import weakref

import pytest

from .client import Client
from .peer import PATIENCE, PEER, TIMEOUT
from .wire import Wire

HOST, HOST2 = "capulet.example", "montague.example"
CHECKOUT = pathlib.Path(__file__).resolve().parents[3]
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:"
                       r"|SUMMARY: \w+Sanitizer")

started = weakref.WeakSet()     # those whose logs a failure shows

User = collections.namedtuple("User", "name local domain password jid")


class Failed(AssertionError):
    """The server did not start, did not stop, or complained."""


def build_file(name, variable):
    """A program of the build tree."""
    if os.environ.get(variable):
        return os.environ[variable]
    build = pathlib.Path(os.environ.get("LINNET_BUILD", CHECKOUT / "build"))
    return str(build / "src" / name)


def Server(folder, authority, config=None, peer=PEER, **more):
    return {"linnet": Linnet, "prosody": Prosody}[peer](folder, authority, config, **more)


class _Server:
    SERVICES = ("c2s", "c2s-tls", "http", "https")
    pass_fds = ()

    def __init__(self, folder, authority, config=None, hosts=(HOST, HOST2), more_services=()):
        self.folder, self.authority = pathlib.Path(folder), authority
        self.config = config or {}
        self.host, self.host2 = hosts
        self.more_services = tuple(more_services)
        self.process, self.ports = None, {}
        self._names = collections.Counter()
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        self.crt, self.key = authority.certificate(*hosts, "*." + hosts[0],
                                                   folder=self.folder, name="server")

    # --- running -----------------------------------------------------------------

    def start(self):
        """Start, and return when clients are accepted."""
        if not self.ports:
            self.ports = free_ports(self.SERVICES + self.more_services)
        started.add(self)
        self.configure()
        self._log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(self.command(), stdout=self._log, stderr=self._log,
                                        cwd=self.folder, env=self.environment(),
                                        pass_fds=self.pass_fds)
        if self._await():
            return self
        status, self.process = self.process.returncode, None
        missing = re.search(r"unknown module (\w+)", self.log())
        if missing:
            pytest.skip(f"this build has no module {missing[1]}")
        raise Failed(f"does not start (status {status}):\n{self.log()}")

    def _await(self):
        deadline = time.monotonic() + 4 * TIMEOUT
        while self.process.poll() is None:
            if self.accepts():
                return True
            if time.monotonic() > deadline:
                self.process.kill()
                raise Failed(f"not ready in time:\n{self.log()}")
            time.sleep(0.02)    # between two questions: there is no event to wait for
        return False

    def stop(self):
        """SIGTERM; it must end in time, with status 0 and nothing to report."""
        if self.process is None:
            return
        process = self.process
        self.process = None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(4 * TIMEOUT)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)
                process.wait()
                raise Failed(f"does not end on SIGTERM:\n{self.log()}") from None
        self._log.close()
        self.check(process.returncode)

    def check(self, status=None):
        """That it neither died nor complained."""
        if status is None and self.process is not None:
            status = self.process.poll()
        if status or SANITIZER.search(self.log()):
            raise Failed(f"ended with status {status}:\n{self.log()}")

    def revive(self):
        """If it has died, start it again: one crash is one failure."""
        if self.process is not None and self.process.poll() is not None:
            self.process = None
            self._log.close()
            (self.folder / "log").rename(self.folder / "log.dead")
            self.start()

    def kill(self):
        """SIGKILL: what is on disk is what is left."""
        self.process.kill()
        self.process.wait()
        self.process = None
        self._log.close()

    def log(self, lines=60):
        if not (self.folder / "log").exists():
            return ""   # it was stopped, looked at, and removed with its folder
        text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        found = SANITIZER.search(text)
        if found:
            return text[max(0, found.start() - 200):found.start() + 8000]
        return "\n".join(text.splitlines()[-lines:])

    def environment(self):
        return dict(os.environ)

    # --- meeting it ----------------------------------------------------------------

    def address(self, service="c2s"):
        return "127.0.0.1", self.ports[service]

    def wire(self, service="c2s", name="wire"):
        return Wire(self.address(service), name)

    def tls(self, **more):
        return self.authority.context(**more)

    def user(self, name, host=None, password="pencil", numbered=True):
        """A new account; its name gets a number, so that tests do not meet."""
        self._names[name] += 1
        local = f"{name}{self._names[name]}" if numbered else name
        user = User(name, local, host or self.host, password, f"{local}@{host or self.host}")
        self.add_user(user)
        return user

    def nobody(self, name="rosaline"):
        """The address of an account that does not exist."""
        self._names[name] += 1
        return f"{name}{self._names[name]}-nobody@{self.host}"

    def client(self, name, resource=None, **more):
        """A new account that has logged in."""
        return Client(self, self.user(name)).login(resource, **more)


class Linnet(_Server):
    def configure(self):
        here = "127.0.0.1"
        base = {
            "data": self.folder / "data",
            "control": self.folder / "control.sock",
            "log": {"to": "stderr", "level": "debug"},
            "listen": {
                "c2s": [f"{here}:{self.ports['c2s']}", f"[::1]:{self.ports['c2s']}"],
                "c2s-tls": [f"{here}:{self.ports['c2s-tls']}"],
                "http": [f"{here}:{self.ports['http']}"],
                "https": [f"{here}:{self.ports['https']}"],
                **{name: [f"{here}:{self.ports[name]}"] for name in self.more_services},
            },
            "limits": {"login-attempts": "off", "connections-per-address": "off",
                       "c2s-rate": "off", "scram-iterations": 4096},
            "c2s": {"tls": "optional"},
            "modules": {"sasl_scram": {}, "sasl_plain": {}, "ping": {}},
            "hosts": {host: {"certificate": self.crt, "key": self.key}
                      for host in (self.host, self.host2)},
        }
        self.conf = self.folder / "linnet.yaml"
        self.conf.write_text(yaml(merge(base, self.config)), encoding="utf-8")

    def command(self):
        return [build_file("linnetd", "LINNETD"), "-c", self.conf]

    def ctl(self, *arguments, check=True, **more):
        """linnetctl, its output as text."""
        done = subprocess.run([build_file("linnetctl", "LINNETCTL"), "-c", self.conf, *arguments],
                              capture_output=True, text=True, timeout=4 * TIMEOUT, **more)
        if check and done.returncode:
            raise Failed(f"linnetctl {' '.join(map(str, arguments))}: status {done.returncode}: "
                         f"{done.stderr}{done.stdout}")
        return done

    def accepts(self):
        return self.ctl("status", check=False).returncode == 0

    def add_user(self, user):
        self.ctl("user", "add", user.jid, user.password)

    def reload(self, config):
        self.config = config
        self.configure()
        return self.ctl("reload")

    def environment(self):
        more = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
                "UBSAN_OPTIONS": "print_stacktrace=1"}
        return {**more, **os.environ}


class Prosody(_Server):
    """To try the dialogues on; options of ours are translated as far as tests need."""

    MODULES = {
        "ping": "ping", "version": "version", "time": "time", "last": "lastactivity",
        "vcard": "vcard_legacy", "private": "private", "blocking": "blocklist",
        "carbons": "carbons", "csi": "csi_simple", "commands": "adhoc", "register": "register_ibr",
        "announce": "announce", "offline": "offline", "disco": "disco",
    }

    def configure(self):
        ours = merge({"modules": {"ping": {}}}, self.config)
        modules = ["roster", "saslauth", "tls", "smacks"]
        modules += [self.MODULES[m] for m in ours["modules"] if m in self.MODULES]
        if "vcard" in ours["modules"]:
            modules.append("pep")
        absent = ["s2s", "http"] + ([] if "offline" in modules else ["offline"])
        admins = ours.get("hosts", {}).get(HOST, {}).get("admins", [])
        optional = ours.get("c2s", {}).get("tls", "optional") == "optional"
        resume = ours.get("stream-management", {}).get("resume", "10m")
        self.conf = self.folder / "prosody.cfg.lua"
        self.conf.write_text(f"""
run_as_root = true
pidfile = "{self.folder}/pid"
data_path = "{self.folder}/data"
log = {{ {{ levels = {{ min = "debug" }}, to = "console" }} }}
interfaces = {{ "127.0.0.1", "::1" }}
c2s_ports = {{ {self.ports['c2s']} }}
c2s_direct_tls_ports = {{ {self.ports['c2s-tls']} }}
http_ports = {{ }} https_ports = {{ }}
ssl = {{ certificate = "{self.crt}"; key = "{self.key}" }}
c2s_require_encryption = {"false" if optional else "true"}
authentication = "internal_plain"
allow_registration = {"true" if "register" in ours["modules"] else "false"}
smacks_hibernation_time = {600 if resume == "10m" else 1}
admins = {{ {", ".join(f'"{a}"' for a in admins)} }}
modules_enabled = {{ {", ".join(f'"{m}"' for m in modules)} }}
modules_disabled = {{ {", ".join(f'"{m}"' for m in absent)} }}
VirtualHost "{HOST}"
VirtualHost "{HOST2}"
""", encoding="utf-8")

    def command(self):
        return [shutil.which("prosody"), "-F", "--config", self.conf]

    def accepts(self):
        try:
            for service in ("c2s", "c2s-tls"):
                socket.create_connection(self.address(service), 1).close()
            return True
        except OSError:
            return False

    def add_user(self, user):
        folder = self.folder / "data" / escape(user.domain) / "accounts"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{escape(user.local)}.dat").write_text(
            f'return {{ ["password"] = "{user.password}"; }};\n', encoding="utf-8")

    def check(self, status=None):
        pass


def escape(name):
    return re.sub(r"[^A-Za-z0-9]", lambda m: f"%{ord(m.group()):02x}", name)


_claims = []


def free_ports(services):
    """A port each that nobody has and nobody else here will get: below those that the system hands
    out by itself, for between this and the server's listen() any connection could take one of
    them.  A name of a Unix socket, which ends with this process, is the claim to it."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = iter(random.sample(range(10000, lowest), 1000))
    return {service: next(port for port in candidates if claim(port)) for service in services}


def claim(port):
    """Whether it is ours now."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0linnet-test-port-{port}")
        for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
            with socket.socket(family) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((address, port))
    except OSError:
        name.close()
        return False
    _claims.append(name)
    return True


def merge(base, more):
    """Mappings are merged key by key; everything else is replaced."""
    result = dict(base)
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            value = merge(result[key], value)
        result[key] = value
    return result


def yaml(value):
    """As YAML's flow style, one top-level key a line."""
    return "".join(f"{key}: {_flow(item)}\n" for key, item in value.items())


def _flow(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value):
    text = str(value)
    if re.fullmatch(r"[A-Za-z0-9_./+-]+", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


assert PATIENCE > 0
