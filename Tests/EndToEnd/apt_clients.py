"""Clients of an apt repository in the folder of a set: loops against one mirror, and what comes between two requests."""
import ctypes
import http.client
import http.server
import os
import signal
import ssl
import subprocess
import threading
import unittest

from lab import write

CLONE_NEWNET = 0x40000000


def index(top):
    """Lists the packages of the pool, and the lists."""
    for command, name in [("packages pool", "Packages"), ("release .", "Release")]:
        path = os.path.join(top, name)
        if name == "Release" and os.path.exists(path):
            os.unlink(path)
        with open(path + ".new", "wb") as file:
            subprocess.run(["apt-ftparchive", *command.split()], cwd=top, stdout=file, check=True,
                           stderr=subprocess.DEVNULL)
        os.rename(path + ".new", path)


def make_package(pool, version, scratch):
    """A package `mirrorfleet-example` that holds nothing."""
    write(os.path.join(scratch, version, "DEBIAN", "control"), (
        f"Package: mirrorfleet-example\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: Nobody <nobody@example.org>\nDescription: for a test\n").encode())
    os.makedirs(pool, exist_ok=True)
    subprocess.run(["dpkg-deb", "--build", os.path.join(scratch, version), pool], check=True, capture_output=True)


def check_lists_around_a_flip(test, fleet, mirror, top, scratch, publish, certificate=None):
    """A client asks `mirror` of `fleet` for a Release, and the release comes that makes it old: apt gets the lists that
    its Release names all the same. `publish` brings what is in `top` to the mirror; with a `certificate` apt uses TLS."""
    os.mkdir(scratch)

    def release(version):
        make_package(os.path.join(top, "pool"), version, scratch)
        index(top)
        # Two within a second would be one to who asks whether it was modified since.
        written = 1_700_000_000 + int(float(version))
        for file in ["Packages", "Release"]:
            os.utime(os.path.join(top, file), (written, written))
        publish(version)
    release("1.0")
    relay = Between(fleet, mirror, lambda: release("2.0"), certificate)
    try:
        scheme, more = ("https", f'Acquire::https::CAInfo "{certificate}";') if certificate else ("http", "")
        environment = {**os.environ, "APT_CONFIG": configure_apt(scratch, f"{scheme}://10.77.0.254/debian", more)}
        listed = []
        for _ in range(2):
            fleet.call("apt-get", "update", "-q", "--error-on=any", env=environment)
            listed.append(subprocess.run(["apt-cache", "madison", "mirrorfleet-example"], env=environment,
                                         capture_output=True, text=True).stdout)
    finally:
        relay.close()
    test.assertIsNone(relay.act, "a flip came after the Release")
    test.assertIn("1.0", listed[0], relay.requests)
    test.assertNotIn("2.0", listed[0], relay.requests)
    test.assertIn("2.0", listed[1], relay.requests)


def configure_apt(folder, url, more=""):
    """An apt of its own in `folder`, with by-hash off and what `more` sets; the file for APT_CONFIG."""
    with open(folder + "/sources.list", "w") as file:
        file.write(f"deb [trusted=yes by-hash=no] {url} ./\n")
    write(folder + "/status", b"")
    with open(folder + "/apt.conf", "w") as file:
        file.write(f"""Dir::Etc::SourceList "{folder}/sources.list"; Dir::Etc::SourceParts "/nowhere";
            Dir::State::Lists "{folder}/lists"; Dir::State::Status "{folder}/status";
            Dir::Cache "{folder}/cache"; APT::Sandbox::User "root"; Acquire::Retries "0"; {more}\n""")
    for name in ["cache", "lists/partial"]:
        os.makedirs(os.path.join(folder, name))
    return folder + "/apt.conf"


class Between:
    """A relay in the network namespace of a fleet's hosts, at port 80 of this machine there: what it is asked, it asks a
    mirror, with the same words. When a client is about to get a Release, `act` runs first, once. With a `certificate` (a
    file that has the key, too) it is at port 443, and so is the mirror, by the same certificate."""

    def __init__(self, fleet, mirror, act, certificate=None):
        self.mirror, self.act, self.requests = fleet[mirror].address, act, []
        self.certificate = certificate
        self.failure = None
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(fleet.bridge, ready))
        self.thread.start()
        ready.wait()
        if self.failure:
            raise self.failure

    def run(self, namespace, ready):
        try:
            # Threads that this one starts are in the namespace, too.
            with open(f"/run/netns/{namespace}") as file:
                if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            self.server = http.server.ThreadingHTTPServer(("", 443 if self.certificate else 80), self.handler())
            if self.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate)
                self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        except OSError as error:
            self.failure = error
            return
        finally:
            ready.set()
        self.server.serve_forever()

    def upstream(self):
        if not self.certificate:
            return http.client.HTTPConnection(self.mirror, timeout=60)
        context = ssl.create_default_context(cafile=self.certificate)
        # It names this relay, where clients are.
        context.check_hostname = False
        return http.client.HTTPSConnection(self.mirror, timeout=60, context=context)

    def handler(relay):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                upstream = relay.upstream()
                upstream.putrequest("GET", self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    upstream.putheader(name, value)
                upstream.endheaders()
                answer = upstream.getresponse()
                body = answer.read()
                relay.requests.append(f"{answer.status} {self.path}")
                if self.path.endswith("/Release") and answer.status == 200 and relay.act:
                    act, relay.act = relay.act, None
                    act()
                self.send_response_only(answer.status)
                for name in ["Location", "Last-Modified", "ETag"]:
                    if value := answer.headers.get(name):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                upstream.close()

            def log_message(self, *_):
                pass
        return Handler

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Archive:
    """An apt repository of real Debian packages in the folder of a set; by-hash is off. `change` makes the next."""

    COUNT = 300

    def __init__(self, top, scratch):
        self.top, self.pool = top, os.path.join(top, "pool", "main")
        os.makedirs(self.pool)
        names = subprocess.run(["dpkg-query", "-Wf", "${Installed-Size} ${Package}\\n"], capture_output=True, text=True,
                               check=True).stdout.splitlines()
        names = [line.split()[1] for line in sorted(names, key=lambda line: int(line.split()[0]))][:2 * self.COUNT]
        for start in range(0, len(names), 50):
            # One that no source has any more is no loss: all that counts is that they are real.
            subprocess.run(["apt-get", "download", "-q", *names[start:start + 50]], cwd=self.pool, capture_output=True)
        files = sorted(os.listdir(self.pool))
        for name in files[self.COUNT:]:
            os.unlink(os.path.join(self.pool, name))
        if len(files) < 20:
            raise unittest.SkipTest("no apt source here gives real packages")
        self.held = os.path.join(scratch, "held.deb")
        os.rename(os.path.join(self.pool, files[0]), self.held)
        self.name = files[1].split("_")[0]
        self.index()

    @property
    def count(self):
        return len(os.listdir(self.pool))

    def change(self):
        """One package comes or goes; the package list and its sum are others each time."""
        inside = os.path.join(self.pool, "000-held.deb")
        if os.path.exists(inside):
            os.rename(inside, self.held)
        else:
            os.rename(self.held, inside)
        self.index()

    def index(self):
        index(self.top)


class Client:
    """A loop of curl, `apt-get update` and `apt-get download` against one mirror."""

    SCRIPT = """
        while :; do
            for n in 1 2 3 4 5; do curl -sS -o /dev/null -w 'curl %{http_code}\\n' URL/Release || echo "curl failed"; done
            rm -rf lists pool; mkdir -p lists/partial pool
            if said=$(apt-get update -q 2>&1 && cd pool && apt-get download -q NAME 2>&1); then echo "apt ok"
            else echo "apt failed: $(echo $said)"; fi
        done"""

    def __init__(self, fleet, name, archive):
        self.name = name
        self.folder = os.path.join(fleet.folder, "client-" + name)
        os.mkdir(self.folder)
        url = f"http://{fleet[name].address}/debian"
        configuration = configure_apt(self.folder, url)
        self.log = open(self.folder + "/log", "wb")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", fleet.bridge, "bash", "-c",
             self.SCRIPT.replace("URL", url).replace("NAME", archive.name)], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, env={**os.environ, "APT_CONFIG": configuration},
            start_new_session=True)

    def end(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
        with open(self.folder + "/log", errors="replace") as file:
            lines = file.read().splitlines()
        self.curls = sum(line.startswith("curl ") for line in lines)
        self.apts = sum(line.startswith("apt ") for line in lines)
        self.failures = [line for line in lines if line not in ("curl 200", "apt ok")]
        return self
