# SPDX-License-Identifier: MIT
"""A certificate authority that lives as long as the test run."""

import pathlib
import ssl
import subprocess


class Authority:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ca, self._ca_key = self.folder / "ca.pem", self.folder / "ca.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-days", "30", "-subj", "/CN=Linnet test authority",
                      "-keyout", self._ca_key, "-out", self.ca)

    def certificate(self, *names, folder=None, name=None, client=False, days=30, more=""):
        """NAME.crt and NAME.key for these domains (or, for a client, XMPP addresses); `days`: of
        validity, below zero: it has expired; `more`: lines of further extensions."""
        folder = pathlib.Path(folder or self.folder)
        stem = name or names[0].replace("@", "_at_")
        crt, key, csr = (folder / f"{stem}.{end}" for end in ("crt", "key", "csr"))
        if client:
            alt = ",".join(f"otherName:1.3.6.1.5.5.7.8.5;UTF8:{n}" for n in names)
        else:
            alt = ",".join(f"DNS:{n}" for n in names)
        extensions = folder / f"{stem}.ext"
        extensions.write_text(f"subjectAltName={alt}\n{more}", encoding="utf-8")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={stem}", "-keyout", key, "-out", csr)
        self._openssl("x509", "-req", "-in", csr, "-CA", self.ca, "-CAkey", self._ca_key,
                      "-CAcreateserial", "-sha256", "-days", str(days), "-extfile", extensions,
                      "-out", crt)
        csr.unlink()
        extensions.unlink()
        return crt, key

    def self_signed(self, *names, folder):
        """A certificate that nobody else vouches for, and its key."""
        crt, key = pathlib.Path(folder) / "self.crt", pathlib.Path(folder) / "self.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-days", "2", "-subj", "/CN=self",
                      "-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names),
                      "-keyout", key, "-out", crt)
        return crt, key

    def context(self, alpn=None, keylog=None, maximum=None, certificate=None):
        """A client's TLS settings that trust this authority alone."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if alpn:
            context.set_alpn_protocols(alpn)
        if keylog:
            context.keylog_filename = str(keylog)
        if maximum:
            context.maximum_version = maximum
        if certificate:
            context.load_cert_chain(*map(str, certificate))
        return context

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
