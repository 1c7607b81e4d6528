# SPDX-License-Identifier: MIT
"""A little internet on loopback: signed zones, a resolver, other servers.

    net = Internet(folder, authority)
    net.zone("a.example")                       # signed, and known to who validates
    net.zone("open.example", signed=False)
    net.zone("bogus.example", bogus=True)       # signed, but not with the key that is trusted
    net.host("xmpp.a.example", "127.3.2.1", "::1")
    net.srv("a.example", "xmpp.a.example", 5269)            # direct=True: _xmpps-server
    net.tlsa("xmpp.a.example", 5269, crt)                   # 3 1 1; usage=2, wrong=True ...
    net.start()
    server = net.linnet("b.example")            # with SRV records of its own; before start()
    net.prosody("p.example"); net.ejabberd("e.example")
    one = net.prosody("p.example", also={"q.example": certificate})     # a host beside it
    net.announce("q.example", one.ports)
    net.stop()

Knot is the authority for every zone (`net.knot`), Unbound validates and caches
(`net.unbound`).  What asks is given Unbound's port and the anchors in
`net.anchors`; both are loopback only, on ports that were free.  There is no
root: what is under no anchor is insecure, what is in no zone is an error.  Unless
one is made: net.zone("."), whose key is the only anchor then, and which denies all
that is not in it; what the resolver knows by itself beside it is net.local().
"""

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from kit.peer import TIMEOUT
from kit.server import Server, free_ports, merge

TTL = 5

# A server of ours, of Debian's, as far as this page needs them.
TOOLS = ("knotd", "keymgr", "unbound", "kdig")


def needs_internet():
    """Skips where the packages of contrib/packages.sh are not installed."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@functools.lru_cache(maxsize=None)
def hosts_of_its_own():
    """What begins the command of a program that is to have a file /etc/hosts of its own; None where
    this system allows that to nobody."""
    for way in (("unshare", "-m"), ("unshare", "-rm")):
        if subprocess.run([*way, "mount", "--bind", "/etc/hosts", "/etc/hosts"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0:
            return way
    return None


class Program:
    """Something that runs in a folder, in the foreground, and says what it does in a log."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = None

    def run(self, *command, ready, env=None):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=log,
                                            stderr=log, cwd=self.folder, env=env,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 6 * TIMEOUT
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{command[0]} does not start:\n{self.log()}")
            time.sleep(0.05)

    def log(self):
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace")[-8000:] if path.exists() else ""

    def tell(self, number):
        """To it and what it started: Erlang leaves helpers behind."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return
        self.tell(number)
        try:
            self.process.wait(2 * TIMEOUT)
        except subprocess.TimeoutExpired:
            pass
        self.tell(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def kill(self):
        self.stop(signal.SIGKILL)


def accepts(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True


def absolute(name):
    return f"{name.rstrip('.')}."


class Zone:
    def __init__(self, name, signed, bogus):
        self.name, self.signed, self.bogus = name, signed or bogus, bogus
        self.records = []

    def text(self):
        name, below = absolute(self.name), "." + absolute(self.name).lstrip(".")
        lines = [f"{name} {TTL} SOA ns{below} root{below} 1 900 300 86400 1",
                 f"{name} {TTL} NS ns{below}", f"ns{below} {TTL} A 127.0.0.1"]
        return "\n".join(lines + self.records) + "\n"


class Knot(Program):
    """The authority for all zones."""

    def __init__(self, folder, zones):
        super().__init__(folder)
        self.zones, self.port = zones, free_ports(["dns"])["dns"]

    def configure(self):
        zones = "".join(f"""
  - domain: {absolute(zone.name)}
    file: {self.folder}/{absolute(zone.name)}zone
    dnssec-signing: {"on" if zone.signed else "off"}
""" for zone in self.zones.values())
        for zone in self.zones.values():
            (self.folder / f"{absolute(zone.name)}zone").write_text(zone.text(), encoding="utf-8")
        (self.folder / "db").mkdir(exist_ok=True)
        self.conf = self.folder / "knot.conf"
        self.conf.write_text(f"""
server:
  rundir: {self.folder}
  pidfile: {self.folder}/pid
  listen: 127.0.0.1@{self.port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: {self.folder}/db
policy:
  - id: one
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: {self.folder}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    dnssec-policy: one
zone:
{zones}
""", encoding="utf-8")

    def start(self):
        self.configure()
        self.run("knotd", "-c", self.conf, ready=self.serves)

    def serves(self):
        return accepts(self.port) and all(dig(self.port, name, "SOA") for name in self.zones)

    def anchor(self, zone):
        """DS records; of one that is bogus, those of a key that nobody has."""
        done = subprocess.run(["keymgr", "-c", self.conf, zone.name, "ds"], check=True,
                              capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if " DS " in line]
        if zone.bogus:
            lines = [f"{line[:-6]}{'abcdef' if line[-1] != 'f' else '012345'}" for line in lines]
        return "\n".join(lines)


class Unbound(Program):
    def __init__(self, folder, knot):
        super().__init__(folder)
        self.knot, self.port = knot, free_ports(["dns"])["dns"]
        self.insecure, self.local = [], {}

    def start(self, anchors):
        insecure = "".join(f'  domain-insecure: "{name}"\n' for name in self.insecure)
        local = "".join(f'  local-zone: "{zone}." static\n' + "".join(
            f"  local-data: '{record}'\n" for record in records)
            for zone, records in self.local.items())
        self.conf = self.folder / "unbound.conf"
        self.conf.write_text(f"""
server:
  directory: "{self.folder}"
  chroot: ""
  username: ""
  pidfile: "{self.folder}/pid"
  interface: 127.0.0.1
  port: {self.port}
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  do-not-query-localhost: no
  use-syslog: no
  verbosity: 1
  num-threads: 1
  module-config: "validator iterator"
  trust-anchor-file: "{anchors}"
  local-zone: "test." nodefault
{insecure}{local}remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{self.knot.port}
""", encoding="utf-8")
        self.run("unbound", "-d", "-c", self.conf, ready=lambda: accepts(self.port))


def dig(port, name, kind):
    done = subprocess.run(["kdig", "@127.0.0.1", "-p", str(port), "+short", "+timeout=2",
                           "+retry=0", name, kind], capture_output=True, text=True)
    return done.stdout.strip()


class Internet:
    def __init__(self, folder, authority):
        self.folder, self.authority = pathlib.Path(folder), authority
        self.zones, self.servers, self.more_anchors = {}, [], []
        self.knot = Knot(self.folder / "knot", self.zones)
        self.unbound = Unbound(self.folder / "unbound", self.knot)
        self.anchors = self.folder / "anchors"

    # --- what there is in DNS -----------------------------------------------------------

    def zone(self, name, signed=True, bogus=False):
        self.zones[name] = Zone(name, signed, bogus)
        return self.zones[name]

    def record(self, name, text):
        """Into the zone that the name is in."""
        self.zones[self.zone_of(name)].records.append(f"{name}. {TTL} {text}")

    def zone_of(self, name):
        parents = [zone for zone in self.zones if f".{name}.".endswith(
            absolute(zone) if zone == "." else f".{zone}.")]
        return max(parents, key=len, default=None)

    def host(self, name, *addresses):
        for address in addresses:
            self.record(name, f"{'AAAA' if ':' in address else 'A'} {address}")

    def srv(self, domain, host, port, direct=False, priority=0, weight=0):
        service = "_xmpps-server" if direct else "_xmpp-server"
        target = f"{host}." if host != "." else "."
        self.record(f"{service}._tcp.{domain}", f"SRV {priority} {weight} {port} {target}")

    def tlsa(self, host, port, crt, usage=3, wrong=False):
        """USAGE 1 1: the hash of the key of this certificate (or of one that nobody has)."""
        self.record(f"_{port}._tcp.{host}",
                    f"TLSA {usage} 1 1 {'ab' * 32 if wrong else key_hash(crt)}")

    def local(self, zone, *records):
        """What the resolver answers by itself for a zone that nobody else knows of: "NAME. TYPE ..."."""
        self.unbound.local.setdefault(zone, []).extend(records)

    # --- running ----------------------------------------------------------------------------

    def start(self):
        """DNS, then the servers."""
        self.knot.start()
        trusted = [self.zones["."]] if "." in self.zones else self.zones.values()
        lines = [self.knot.anchor(zone) for zone in trusted if zone.signed]
        self.anchors.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.unbound.start(self.anchors)
        for server in self.servers:
            server.start()
        return self

    def stop(self):
        """All of them, also if one has something to complain about."""
        for one in self.servers:
            if isinstance(one, Program) and one.process is not None:
                one.tell(signal.SIGTERM)    # so that they end at the same time
        with contextlib.ExitStack() as last_first:
            for one in (self.knot, self.unbound, *self.servers):
                last_first.callback(one.stop)

    def change(self, *more):
        """After zones were changed: Knot reads them again; who caches has to forget for TTL s."""
        self.knot.stop()
        self.knot.start()

    def resolver(self):
        """The `dns` section of our configuration."""
        return {"servers": [f"127.0.0.1:{self.unbound.port}"], "trust-anchor": str(self.anchors)}

    # --- servers ------------------------------------------------------------------------------

    def announce(self, domain, ports, address="127.0.0.1", direct=True, ipv6=False, tlsa=None,
                 starttls=True):
        """SRV of both kinds for a server, its address, and TLSA if a certificate is given; in a
        zone of its own if there is none."""
        if not self.zone_of(domain):
            self.zone(domain)
        host = f"xmpp.{domain}"
        self.host(host, *([address] if address else []), *(["::1"] if ipv6 else []))
        if starttls:
            self.srv(domain, host, ports["s2s"], priority=5)
        if direct:
            self.srv(domain, host, ports["s2s-tls"], direct=True, priority=1)
        for service in ("s2s", "s2s-tls") if tlsa else ():
            self.tlsa(host, ports[service], tlsa)

    def linnet(self, domain, config=None, announce=True, **more):
        one = Server(tempfile.mkdtemp(prefix="linnet-"), self.authority,
                     hosts=(domain, f"second.{domain}"), more_services=("s2s", "s2s-tls"),
                     peer="linnet")
        one.ports = free_ports(one.SERVICES + one.more_services)
        one.config = merge({"tls": {"authorities": str(self.authority.ca)},
                            "dns": self.resolver()}, config or {})
        if announce:
            self.announce(domain, one.ports, **self.with_tlsa(one, more))
        self.servers.append(one)
        return one

    @staticmethod
    def with_tlsa(server, more):
        """tlsa=True: of the server's own certificate."""
        return {**more, "tlsa": server.crt} if more.get("tlsa") is True else more

    def prosody(self, domain, config="", certificate=None, also=None, **more):
        return self._other(Prosody, domain, config, certificate, also, **more)

    def ejabberd(self, domain, config="", certificate=None, also=None, **more):
        return self._other(Ejabberd, domain, config, certificate, also, **more)

    def _other(self, kind, domain, config, certificate, also, **more):
        if not shutil.which(kind.NEEDS):
            pytest.skip(f"not installed: {kind.NEEDS}")
        one = kind(self, domain, config, certificate, also or {})
        self.announce(domain, one.ports, **self.with_tlsa(one, more))
        self.servers.append(one)
        return one


def key_hash(crt):
    """SHA-256 of the public key, as in TLSA 3 1 1."""
    key = subprocess.run(["openssl", "x509", "-in", crt, "-noout", "-pubkey"], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


class Other(Program):
    """A server that others wrote.  Accounts: romeo and nurse, with the password `pencil`; at each
    host that it has."""

    SERVICES = ("c2s", "s2s", "s2s-tls")
    USERS = ("romeo", "nurse")
    PASSWORD = "pencil"

    def __init__(self, net, domain, config, certificate, also):
        super().__init__(net.folder / domain)
        self.net, self.authority, self.host, self.config = net, net.authority, domain, config
        self.ports = free_ports(self.SERVICES)
        self.crt, self.key = certificate or net.authority.certificate(
            domain, f"*.{domain}", folder=self.folder, name="server")
        self.certificates = {domain: (self.crt, self.key), **also}

    def address(self, service="c2s"):
        return "127.0.0.1", self.ports[service]

    def user(self, name, host=None):
        from kit.server import User
        host = host or self.host
        return User(name, name, host, self.PASSWORD, f"{name}@{host}")

    def tls(self, **more):
        context = self.authority.context(**more)
        for crt, _ in self.certificates.values():
            context.load_verify_locations(str(crt))     # it may have signed it itself
        context.check_hostname = False                  # nor is it for the domain in all cases
        return context

    def ready(self):
        return all(accepts(self.ports[service]) for service in self.SERVICES)


class Prosody(Other):
    NEEDS = "prosody"

    def start(self):
        for host in self.certificates:
            folder = host.replace(".", "%2e").replace("-", "%2d")
            accounts = self.folder / "data" / folder / "accounts"
            accounts.mkdir(parents=True, exist_ok=True)
            for user in self.USERS:
                (accounts / f"{user}.dat").write_text(
                    f'return {{ ["password"] = "{self.PASSWORD}"; }};\n', encoding="utf-8")
        hosts = "".join(f'VirtualHost "{host}"\n' for host in self.certificates)
        certificates = self.folder / "certificates"     # it looks there by name, for SNI as well
        certificates.mkdir(exist_ok=True)
        for host, (crt, key) in self.certificates.items():
            shutil.copy(crt, certificates / f"{host}.crt")
            shutil.copy(key, certificates / f"{host}.key")
        conf = self.folder / "prosody.cfg.lua"
        conf.write_text(f"""
run_as_root = true
pidfile = "{self.folder}/pid"
data_path = "{self.folder}/data"
log = {{ {{ levels = {{ min = "debug" }}, to = "console" }} }}
interfaces = {{ "127.0.0.1", "::1" }}
c2s_ports = {{ {self.ports['c2s']} }}
s2s_ports = {{ {self.ports['s2s']} }}
s2s_direct_tls_ports = {{ {self.ports['s2s-tls']} }}
http_ports = {{ }} https_ports = {{ }}
unbound = {{ resolvconf = false, hoststxt = false, forward = {{ "127.0.0.1@{self.net.unbound.port}" }},
    trusted = "nobody.invalid. IN DS 1 13 2 {'00' * 32}", -- a table breaks lua-unbound 1.0.0
    options = {{ ["do-not-query-localhost:"] = "no" }} }}
certificates = "{certificates}"
ssl = {{ cafile = "{self.authority.ca}" }}
s2s_secure_auth = true
c2s_require_encryption = true
authentication = "internal_plain"
modules_enabled = {{ "roster", "saslauth", "tls", "dialback", "disco", "ping", "vcard_legacy",
    "pep", "smacks", "offline", "version", "time" }}
{self.config}
{hosts}""", encoding="utf-8")
        self.run("prosody", "-F", "--config", conf, ready=self.ready)


class Ejabberd(Other):
    NEEDS = "ejabberdctl"

    def start(self):
        pems = []
        for host, (crt, key) in self.certificates.items():
            pems.append(self.folder / f"{host}.pem")
            pems[-1].write_text(crt.read_text() + key.read_text(), encoding="utf-8")
        conf, inetrc = self.folder / "ejabberd.yml", self.folder / "inetrc"
        inetrc.write_text('{resolv_conf, ""}.\n{hosts_file, ""}.\n{lookup, [dns]}.\n'
                          f"{{nameserver, {{127,0,0,1}}, {self.net.unbound.port}}}.\n",
                          encoding="utf-8")
        listen = "\n".join(
            f'  - {{port: {self.ports[service]}, ip: "{ip}", module: {module}, {more}}}'
            for service, module, more in (
                ("c2s", "ejabberd_c2s", "starttls: true, shaper: none, access: all"),
                ("s2s", "ejabberd_s2s_in", "shaper: none"),
                ("s2s-tls", "ejabberd_s2s_in", "tls: true, shaper: none"))
            for ip in ("127.0.0.1", "::1"))
        conf.write_text(f"""
hosts: {json.dumps(list(self.certificates))}
loglevel: debug
certfiles: {json.dumps([str(pem) for pem in pems])}
ca_file: "{self.authority.ca}"
acme: {{auto: false}}
s2s_use_starttls: required
registration_timeout: infinity
listen:
{listen}
modules:
  mod_roster: {{}}
  mod_disco: {{}}
  mod_ping: {{}}
  mod_offline: {{}}
  mod_vcard: {{}}
  mod_version: {{}}
  mod_time: {{}}
  mod_last: {{}}
  mod_stream_mgmt: {{}}
{self.config or "  mod_s2s_dialback: {}"}
""", encoding="utf-8")
        users = ",".join(
            f'ejabberd_auth:try_register(<<"{user}">>,<<"{host}">>,<<"{self.PASSWORD}">>)'
            for host in self.certificates for user in self.USERS)
        libraries = next(pathlib.Path("/usr/lib").glob("*/ejabberd-*"), None)
        env = {**os.environ, "ERL_LIBS": str(libraries.parent if libraries else "/usr/lib"),
               "EJABBERD_CONFIG_PATH": str(conf), "ERL_CRASH_DUMP": str(self.folder / "dump"),
               "EJABBERD_LOG_PATH": str(self.folder / "ejabberd.log"), "HOME": str(self.folder)}
        self.run(*self.with_hosts(), "erl", "-noinput", "+sbwt", "none", "-mnesia", "dir", f'"{self.folder}/db"',
                 "-kernel", "inetrc", f'"{inetrc}"', "-s", "ejabberd", "-eval", f"[{users}].",
                 ready=self.registered, env=env)

    def with_hosts(self):
        """It asks libc for addresses: what is in our zones is in its /etc/hosts."""
        path = self.folder / "hosts"
        lines = ["127.0.0.1 localhost"] + [
            f"{address} {name.rstrip('.')}" for zone in self.net.zones.values()
            for name, _, kind, address, *_ in map(str.split, zone.records)
            if kind in ("A", "AAAA")]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        way = hosts_of_its_own()
        return [*way, "sh", "-c", f"mount --bind '{path}' /etc/hosts && exec \"$@\"", "sh"] if way \
            else []

    def registered(self):
        return self.ready()

    def log(self):
        path = self.folder / "ejabberd.log"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return super().log() + text[-8000:]
