"""The web servers of docs/guides/web-servers.md, with the configurations in it, in front of a mirror's served tree: they
show each flip at once, hide what is nobody's, and give apt lists that fit."""
import concurrent.futures
import os
import subprocess

import hosts
from apt_clients import check_lists_around_a_flip, index
from lab import LabTest, wait_until, write
from packages import TREE
from test_guide import blocks

GUIDE = os.path.join(TREE, "docs", "guides", "web-servers.md")
APT = "Debian APT-HTTP/1.3 (2.6.1)"
CLIENT_DEADLINE = "10"


class WebServers(LabTest):
    """The mirror is a process of this machine, the web server a service of a host that sees the mirror's folder."""

    mirrors = 1

    def setUp(self):
        if reason := hosts.why_not():
            self.skipTest(reason)
        super().setUp()
        self.source = self.fleet.scratch("source")
        # Whoever publishes, does it from the network of the lab: a thread keeps that of the one that made it.
        self.here = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(self.here.shutdown)
        self.here.submit(os.getpid).result()

    def begin(self, *packages):
        """Boots the host, which has the mirror's folder at /srv/mirror."""
        self.hosts = hosts.Hosts("web1", layers=[hosts.layer(*packages)] if packages else [])
        self.addCleanup(self.hosts.close)
        self.host = self.hosts["web1"]
        self.served = self.fleet.host("m1", "srv")
        self.host.bind(self.served, "/srv/mirror")
        self.hosts.boot()
        os.mkdir(os.path.join(self.source, "pool"))
        index(self.source)
        self.publish("0")

    def publish(self, number):
        write(os.path.join(self.source, "number"), number.encode())
        for command in [("publish", "debian", self.source), ("sync", "debian", "--wait")]:
            self.here.submit(self.fleet, *command).result()

    def block(self, language, number=0):
        """A code block of the guide."""
        with open(GUIDE) as file:
            found = [content for kind, _, content in blocks(file.read()) if kind == language]
        return found[number]

    def start(self, unit):
        self.host.run("systemctl", "start", unit)

    def get(self, path, *options):
        """The status, where a redirect leads, and the body."""
        text = self.hosts.call("curl", "-sS", "--max-time", CLIENT_DEADLINE, "-w", "\n%{http_code} %{redirect_url}",
                               *options, f"http://{self.host.address}{path}")
        body, _, last = text.rpartition("\n")
        status, _, target = last.partition(" ")
        return int(status), target, body

    def check_flips(self):
        """What was flipped to is what the next request gets, on one connection, too."""
        for number in ["1", "2", "3"]:
            self.publish(number)
            self.assertEqual((200, "", number), self.get("/debian/number"))
        client = subprocess.Popen(
            ["ip", "netns", "exec", self.hosts.bridge, "python3", "-c", KEPT_CONNECTION, self.host.address,
             "/debian/number"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            for number in ["4", "5"]:
                self.publish(number)
                client.stdin.write("\n")
                client.stdin.flush()
                self.assertEqual(number, client.stdout.readline().strip())
        finally:
            client.kill()
            client.communicate()

    def check_hidden(self):
        """A listing shows the set; of the store and of what releases there are nothing is shown."""
        self.assertIn("number", self.get("/debian/", "-L")[2])
        for path in ["/.store/", "/.store/metadata", "/.releases", "/.releases/", "/.releases/debian",
                     "/.releases/debian/", "//.releases/", "/.releases//debian/", "/debian/../.releases/",
                     "/%2ereleases/", "/.%73tore/metadata"]:
            self.assertIn(self.get(path, "--path-as-is")[0], (403, 404), path)

    def check_redirect(self):
        """apt is redirected to the tree of one release, and nobody who would be lost."""
        self.publish("6")
        tree = os.readlink(os.path.join(self.served, "debian"))
        site = f"http://{self.host.address}:80/{tree}"
        for name in ["Release", "InRelease", "dists/stable/Release"]:
            self.assertEqual((302, f"{site}/{name}"), self.get(f"/debian/{name}", "-A", APT)[:2])
        self.assertEqual(200, self.get(f"/{tree}/Release", "-A", APT)[0])
        self.assertEqual(200, self.get(f"/{tree}/Packages", "-A", APT)[0])
        self.assertEqual(200, self.get("/debian/Packages", "-A", APT)[0])
        for options in [[], ["-A", "curl/8"], ["-A", APT, "-H", f"Host: {self.host.address}:80"],
                        *(["-A", APT, "-H", f"{header}: x"] for header in
                          ["Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto"])]:
            self.assertEqual(200, self.get("/debian/Release", *options)[0], options)
        self.assertEqual(404, self.get("/nothing/Release", "-A", APT)[0])
        self.assertEqual(404, self.get("/debian%0Aetc/Release", "-A", APT)[0])

    def check_lists(self, certificate=None):
        check_lists_around_a_flip(self, self.hosts, "web1", self.source, os.path.join(self.hosts.folder, "apt"),
                                  self.publish, certificate)

    def test_nginx_also_by_tls(self):
        self.begin()
        certificate = self.certificate()
        site = self.block("nginx").replace(
            "    listen [::]:80;\n", "    listen [::]:80;\n    listen 443 ssl;\n"
            "    ssl_certificate /etc/nginx/site.pem;\n    ssl_certificate_key /etc/nginx/site.pem;\n")
        self.assertIn("ssl_certificate", site)
        with open(certificate) as file:
            self.host.write("/etc/nginx/site.pem", file.read(), 0o600)
        self.host.write("/etc/nginx/sites-available/mirrorfleet", site)
        self.host.link("/etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/mirrorfleet")
        self.start("nginx")
        self.check_flips()
        self.check_hidden()
        self.check_redirect()
        self.check_lists(certificate)

    def certificate(self):
        """A self-signed certificate of what clients call, and its key, in one file."""
        path = os.path.join(self.hosts.folder, "site.pem")
        key = os.path.join(self.hosts.folder, "site.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mirror",
                        "-addext", "subjectAltName=IP:10.77.0.254", "-keyout", key, "-out", path],
                       check=True, capture_output=True)
        with open(key) as source, open(path, "a") as file:
            file.write(source.read())
        return path

    def test_apache(self):
        self.begin("apache2", "caddy")
        self.host.write("/usr/local/bin/fleet-tree", self.block("sh"), 0o755)
        self.host.write("/etc/apache2/sites-available/mirrorfleet.conf", self.block("apache"))
        self.host.run("a2enmod", "-q", "rewrite")
        self.host.run("a2dissite", "-q", "000-default")
        self.host.run("a2ensite", "-q", "mirrorfleet")
        self.start("apache2")
        self.check_flips()
        self.check_hidden()
        self.check_redirect()
        self.check_lists()

    def test_caddy(self):
        self.begin("apache2", "caddy")
        self.host.write("/etc/caddy/Caddyfile", self.block("caddyfile"))
        self.start("caddy")
        wait_until(lambda: self.host.run("curl", "-s", "http://127.0.0.1/debian/number", expect=None), "caddy answers")
        self.check_flips()
        self.check_hidden()


# Asks again on one connection, each time that a line comes.
KEPT_CONNECTION = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=10)
connection.connect()
socket = connection.sock
for _ in sys.stdin:
    connection.request("GET", sys.argv[2])
    print(connection.getresponse().read().decode(), flush=True)
    assert connection.sock is socket, "the server closed the connection"
"""

if __name__ == "__main__":
    import unittest
    unittest.main()
