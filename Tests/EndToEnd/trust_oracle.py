"""The other side of test_trust.py: runs in an environment with python-tuf.

    trust_oracle.py attacks FOLDER NOW       makes repositories and breaks them; writes FOLDER/cases.json
    trust_oracle.py read FOLDER NOW          reads FOLDER with python-tuf and prints the sample's target
    trust_oracle.py read-hybrid FOLDER NOW   the same, with a composite key registered
    trust_oracle.py keep TRUST NOW           signs a set, snapshot and timestamp into a trust folder, with its key files
    trust_oracle.py read-export[-hybrid] FOLDER NOW   reads what `trust export` wrote

Each case of `attacks` that another client can see is also given to python-tuf, which has to end as we do, or the case says
why it does not.
"""
import base64
import copy
import datetime
import hashlib
import json
import os
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import KEY_FOR_TYPE_AND_SCHEME, CryptoSigner, Key
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

FLEET = "example"
TOP = ["root", "timestamp", "snapshot", "targets"]
CONTENT = b"a release document"
PATH = "sets/a/release"
DAY = 86_400


class CompositeKey(Key):
    """mldsa65-ed25519: id-MLDSA65-Ed25519-SHA512 of draft-ietf-lamps-pq-composite-sigs."""

    NAME = "mldsa65-ed25519"
    LABEL = b"COMPSIG-MLDSA65-Ed25519-SHA512"

    @classmethod
    def from_dict(cls, keyid, key_dict):
        keytype, scheme, keyval = cls._from_dict(key_dict)
        return cls(keyid, keytype, scheme, keyval, key_dict)

    def to_dict(self):
        return self._to_dict()

    def verify_signature(self, signature, data):
        key, signed = bytes.fromhex(self.keyval["public"]), bytes.fromhex(signature.signature)
        message = b"CompositeAlgorithmSignatures2025" + self.LABEL + b"\0" + hashlib.sha512(data).digest()
        try:
            mldsa.MLDSA65PublicKey.from_public_bytes(key[:1952]).verify(signed[:3309], message, self.LABEL)
            ed25519.Ed25519PublicKey.from_public_bytes(key[1952:]).verify(signed[3309:], message)
        except (InvalidSignature, ValueError) as error:
            raise UnverifiedSignatureError(f"{error!r}") from error


class FolderFetcher(FetcherInterface):
    """Files instead of a network."""

    def _fetch(self, url):
        try:
            with open(url.removeprefix("file://"), "rb") as file:
                return iter([file.read()])
        except FileNotFoundError as error:
            raise DownloadHTTPError(url, 404) from error


def read(kept, repository, got, target, now):
    """What python-tuf fetches from a folder; raises its errors. None if there is no such target."""
    with open(os.path.join(kept, "root.json"), "rb") as file:
        root = file.read()
    updater = Updater(
        kept, f"file://{repository}/", got, f"file://{repository}/targets/", FolderFetcher(), bootstrap=root)
    updater._trusted_set.reference_time = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    updater.refresh()
    if target is None:
        return b""
    found = updater.get_targetinfo(target)
    if found is None:
        return None
    with open(updater.download_target(found), "rb") as file:
        return file.read()


def time(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Repository:
    """A repository as plain values, so that anything can be wrong with it. Version 1 of everything, one key a role."""

    def __init__(self, now, fleet=None):
        self.now, self.fleet = now, fleet
        self.keys, self.signers, self.threshold, self.version, self.expires = {}, {}, {}, {}, {}
        self.more, self.more_key = {}, {}
        self.files, self.targets, self.meta = {}, {}, {}
        self.consistent, self.hashes = True, True
        for role in TOP:
            self.add_role(role)
        self.delegations = []
        self.entries = {"targets": {}}
        self.delegate("set-a", "sets/a/*")
        self.entries["set-a"] = {PATH: CONTENT}
        self.publish("root", "set-a", "targets", "snapshot", "timestamp")

    def add_role(self, role):
        self.keys[role] = [CryptoSigner.generate_ed25519()]
        self.threshold[role], self.version[role], self.expires[role] = 1, 0, self.now + DAY

    def delegate(self, role, pattern, source="targets"):
        if role not in self.keys:
            self.add_role(role)
            self.entries[role] = {}
        self.delegations.append((source, role, pattern))

    def rotate(self, role):
        self.keys[role] = [CryptoSigner.generate_ed25519()]

    def signing(self, role):
        return self.signers.get(role, self.keys[role])

    def role(self, role):
        return {"keyids": [key.public_key.keyid for key in self.keys[role]], "threshold": self.threshold[role]}

    def key_dicts(self, roles):
        return {k.public_key.keyid: k.public_key.to_dict() for role in roles for k in self.keys[role]}

    def signed(self, role):
        signed = {"_type": role if role in TOP else "targets", "spec_version": "1.0.31",
                  "version": self.version[role], "expires": time(self.expires[role])}
        if self.fleet:
            signed["mirrorfleet"] = {"fleet": self.fleet, "role": role}
        if role == "root":
            signed |= {"consistent_snapshot": self.consistent, "keys": self.key_dicts(TOP),
                       "roles": {name: self.role(name) for name in TOP}}
        elif role == "timestamp":
            signed["meta"] = {"snapshot.json": self.meta["snapshot"]}
        elif role == "snapshot":
            signed["meta"] = {f"{n}.json": m for n, m in self.meta.items() if n != "snapshot"}
        else:
            signed["targets"] = {
                path: {"length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
                for path, data in self.entries[role].items()}
            own = [(name, pattern) for source, name, pattern in self.delegations if source == role]
            if own:
                signed["delegations"] = {
                    "keys": self.key_dicts([name for name, _ in own]),
                    "roles": [{"name": name, "paths": [pattern], "terminating": False, **self.role(name)}
                              for name, pattern in own]}
        return signed | copy.deepcopy(self.more.get(role, {}))

    def document(self, signed, signers):
        canonical = encode_canonical(signed).encode()
        signatures = [signer.sign(canonical).to_dict() for signer in signers]
        return {"signatures": signatures, "signed": signed}

    def publish(self, *roles, change=None, alter=None, bytes=None):
        """The next version of each role; `change` sees what will be signed, `alter` the document afterwards."""
        for role in roles:
            self.version[role] += 1
            signed = self.signed(role)
            if change:
                change(signed)
            document = self.document(signed, self.signing(role))
            if alter:
                alter(document)
            self.serve(role, bytes(document) if bytes else json.dumps(document).encode())

    def serve(self, role, data):
        meta = {"version": self.version[role]}
        if self.hashes:
            meta |= {"length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
        if role not in ("root", "timestamp"):
            self.meta[role] = meta
        self.files[self.name(role)] = data

    def name(self, role):
        return "timestamp.json" if role == "timestamp" else f"{self.version[role]}.{role.replace('/', '%2F')}.json"

    def everything(self, **options):
        self.publish("root", "set-a", "targets", "snapshot", "timestamp", **options)

    def write(self, folder):
        for name, data in self.files.items():
            put(os.path.join(folder, name), data)
        for entries in self.entries.values():
            for path, data in entries.items():
                head, tail = os.path.split(path)
                digest = hashlib.sha256(data).hexdigest()
                put(os.path.join(folder, "targets", head, f"{digest}.{tail}"), self.targets.get(path, data))


def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


CASES = []


def case(expected, fleet=None, target=PATH, differs=None, root=None):
    """Registers a function that makes the steps of a case out of a fresh repository: it yields for each.

    differs: why python-tuf ends otherwise."""
    def register(function):
        CASES.append((function, expected, fleet, target, differs, root))
        return function
    return register


def for_each(roles, expected, **options):
    def register(function):
        for role in roles:
            def one(repository, role=role):
                return function(repository, role)
            one.__name__ = f"{function.__name__}_{role}"
            case(expected, **options)(one)
        return function
    return register


ALL = [*TOP, "set-a"]


@case("ok")
def good(r):
    yield


@case("ok", fleet=FLEET)
def good_of_a_fleet(r):
    yield


@case("absent", target="sets/a/other")
def no_such_target(r):
    yield


@case("ok")
def unknown_members_and_awkward_strings(r):
    awkward = {"x": ["\n\t\0\x7f", "\"\\/", "e\u0301\u00e9\U0001f600", None, True, -(2**53 - 1)], "": {"\u00e9": {}}}
    for role in ALL:
        r.more[role] = {"custom": awkward}
    r.everything()
    yield


@case("ok")
def two_of_three_signatures_and_a_wrong_one(r):
    for role in ALL:
        r.keys[role] = r.keys[role] + [CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()]
        r.threshold[role] = 2
    def spoil(document):
        document["signatures"][2]["sig"] = document["signatures"][1]["sig"]
    r.everything(alter=spoil)
    yield


@case("ok")
def root_rotated_five_times_with_expired_ones_between(r):
    for number in range(5):
        old = r.keys["root"]
        r.rotate("root")
        r.signers["root"] = old + r.keys["root"]
        r.expires["root"] = r.now + (DAY if number == 4 else -DAY)
        r.publish("root")
    yield


# Arbitrary software

@for_each(ALL, "too-few-signers")
def signed_by_somebody_else(r, role):
    r.signers[role] = [CryptoSigner.generate_ed25519()]
    r.everything()
    yield


@for_each(ALL, "too-few-signers")
def unsigned(r, role):
    r.signers[role] = []
    r.everything()
    yield


@for_each(ALL, "too-few-signers")
def one_signature_of_two(r, role):
    r.keys[role] = r.keys[role] + [CryptoSigner.generate_ed25519()]
    r.threshold[role] = 2
    r.signers[role] = r.keys[role][:1]
    r.everything()
    yield


@for_each(["timestamp", "snapshot", "targets", "set-a"], "too-few-signers")
def changed_after_signing(r, role):
    r.hashes = False
    def change(document):
        document["signed"]["extra"] = "dependency"
    order = ["set-a", "targets", "snapshot", "timestamp"]
    for name in order:
        r.publish(name, alter=change if name == role else None)
    yield


@case("other-target")
def another_target(r):
    r.targets[PATH] = CONTENT[::-1]
    yield


@case("too-few-signers", root=1)
def root_by_old_keys_alone(r):
    old = r.keys["root"]
    r.rotate("root")
    r.signers["root"] = old
    r.publish("root")
    yield


@case("too-few-signers", root=1)
def root_by_new_keys_alone(r):
    r.rotate("root")
    r.publish("root")
    yield


@case("too-few-signers", differs="python-tuf 7.0.1 counts ids: one person meets a threshold of two")
def one_key_under_two_ids(r):
    key = r.keys["timestamp"][0].public_key
    def change(signed):
        signed["keys"]["aa" * 32] = key.to_dict()
        signed["roles"]["timestamp"] = {"keyids": [key.keyid, "aa" * 32], "threshold": 2}
    r.publish("root", change=change)
    def twice(document):
        document["signatures"].append({**document["signatures"][0], "keyid": "aa" * 32})
    r.publish("timestamp", alter=twice)
    yield


@case("bad-metadata", root=1)
def threshold_of_zero(r):
    r.threshold["timestamp"] = 0
    r.publish("root")
    yield


@case("bad-metadata")
def threshold_of_zero_in_a_delegation(r):
    r.threshold["set-a"] = 0
    r.signers["set-a"] = []
    r.everything()
    yield


@case("bad-metadata", root=1)
def one_key_twice_in_a_role(r):
    r.keys["timestamp"] = r.keys["timestamp"] * 2
    r.publish("root")
    yield


@case("bad-metadata")
def one_signature_twice(r):
    def twice(document):
        document["signatures"] *= 2
    r.publish("timestamp", alter=twice)
    yield


@for_each([0, 31, 33], "bad-metadata", root=1,
          differs="python-tuf keeps such a key, and it never verifies")
def wrong_key_length(r, count):
    def change(signed):
        keyid = r.keys["snapshot"][0].public_key.keyid
        signed["keys"][keyid]["keyval"]["public"] = "00" * count
    r.publish("root", change=change)
    r.publish("timestamp")
    yield


@case("too-few-signers")
def key_of_an_unknown_kind(r):
    def change(signed):
        keyid = r.keys["timestamp"][0].public_key.keyid
        signed["keys"][keyid] |= {"keytype": "new", "scheme": "new"}
    r.publish("root", change=change)
    yield


# Rollback and fast-forward

@case("root-out-of-order", root=1)
def root_left_out(r):
    r.publish("root", "root")
    r.files["2.root.json"] = r.files["3.root.json"]
    yield


@case("root-out-of-order", root=1)
def root_once_more(r):
    r.files["2.root.json"] = r.files["1.root.json"]
    yield


@case("rollback")
def older_timestamp(r):
    old = r.files["timestamp.json"]
    r.publish("timestamp")
    yield
    r.files["timestamp.json"] = old
    yield


@case("listed-rollback")
def older_snapshot(r):
    old = dict(r.meta["snapshot"])
    r.publish("snapshot", "timestamp")
    yield
    r.meta["snapshot"] = old
    r.publish("timestamp")
    yield


@for_each(["targets", "set-a"], "listed-rollback")
def older_role_in_a_new_snapshot(r, role):
    old = dict(r.meta[role])
    r.publish(role, "snapshot", "timestamp")
    yield
    r.meta[role] = old
    r.publish("snapshot", "timestamp")
    yield


@case("listed-removed")
def role_left_out_of_a_new_snapshot(r):
    yield
    del r.meta["set-a"]
    r.publish("snapshot", "timestamp")
    yield


@case("rollback")
def fast_forward_without_new_keys(r):
    r.version["timestamp"] = 10**9
    r.publish("timestamp")
    yield
    r.version["timestamp"] = 1
    r.publish("timestamp")
    yield


@case("ok")
def fast_forward_recovered_by_new_keys(r):
    r.version["timestamp"] = r.version["snapshot"] = r.version["targets"] = 10**9
    r.publish("targets", "snapshot", "timestamp")
    yield
    r.version["timestamp"] = r.version["snapshot"] = r.version["targets"] = 1
    r.rotate("timestamp")
    r.rotate("snapshot")
    r.publish("root", "targets", "snapshot", "timestamp")
    yield


# Freeze

@for_each(ALL, "expired")
def expired(r, role):
    r.expires[role] = r.now
    r.everything()
    yield


# Endless data

@for_each(["root", "timestamp"], "too-long", root=1)
def endless(r, role):
    r.version[role] += 1
    r.files[r.name(role)] = r.files[f"1.{role}.json" if role == "root" else "timestamp.json"] + b" " * (1 << 20)
    yield


@for_each(["snapshot", "targets", "set-a"], "too-long")
def longer_than_listed(r, role):
    r.files[r.name(role)] += b" "
    yield


@case("target-too-long")
def longer_target(r):
    r.targets[PATH] = CONTENT + b"!"
    yield


# Mix-and-match

@for_each(["snapshot", "targets", "set-a"], "other-bytes")
def other_bytes_than_listed(r, role):
    r.files[r.name(role)] = r.files[r.name(role)].replace(b'": ', b'" :', 1)
    yield


@for_each(["snapshot", "targets", "set-a"], "other-version")
def other_version_than_listed(r, role):
    r.hashes = False
    r.everything()
    r.files[r.name(role)] = r.files[f"1.{role}.json"]
    yield


@for_each(["timestamp", "snapshot", "targets", "set-a"], "missing")
def missing(r, role):
    del r.files[r.name(role)]
    yield


@case("not-listed")
def delegated_and_not_listed(r):
    del r.meta["set-a"]
    r.publish("snapshot", "timestamp")
    yield


# Another role, fleet or set

@for_each(ALL, "other-fleet", fleet=FLEET)
def of_another_fleet(r, role):
    r.more[role] = {"mirrorfleet": {"fleet": "other", "role": role}}
    r.everything()
    yield


@for_each(ALL, "unnamed", fleet=FLEET)
def of_no_fleet(r, role):
    r.more[role] = {"mirrorfleet": {}}
    r.everything()
    yield


@case("other-role", fleet=FLEET)
def wrong_set_replayed_by_the_same_key(r):
    r.hashes = False
    r.delegate("set-b", "sets/b/*")
    r.keys["set-b"] = r.keys["set-a"]
    r.version["set-b"] = 1
    r.publish("set-a", "set-b", "targets", "snapshot", "timestamp")
    r.files["2.set-a.json"] = r.files["2.set-b.json"]
    yield


@case("absent", target="sets/b/release")
def a_set_that_speaks_for_another(r):
    r.entries["set-a"]["sets/b/release"] = CONTENT
    r.everything()
    yield


@case("bad-metadata")
def metadata_of_another_type(r):
    def change(signed):
        signed["_type"] = "snapshot"
    r.publish("timestamp", change=change)
    yield


# What is stored

@case("too-few-signers")
def stored_targets_under_a_new_root(r):
    yield
    r.rotate("targets")
    r.publish("root")
    yield


@case("too-few-signers")
def stored_role_under_a_new_delegation(r):
    yield
    r.rotate("set-a")
    r.publish("targets", "snapshot", "timestamp")
    yield


@case("too-few-signers", root=1)
def unverified_root_is_not_stored(r):
    r.signers["root"] = [CryptoSigner.generate_ed25519()]
    r.publish("root")
    yield


# Names

@case("absent", target="sets/c/x")
def role_named_as_a_path(r):
    r.delegate("../../escaped", "sets/c/*")
    r.publish("../../escaped", "targets", "snapshot", "timestamp")
    yield


@case("bad-metadata", fleet=FLEET, target="sets/c/x")
def role_named_as_a_path_in_a_fleet(r):
    r.delegate("../../escaped", "sets/c/*")
    r.publish("../../escaped", "targets", "snapshot", "timestamp")
    yield


@case("bad-metadata", differs="python-tuf has no rule for it")
def delegated_role_named_root(r):
    def change(signed):
        signed["delegations"]["roles"].append(
            {"name": "root", "paths": ["x"], "terminating": False, **r.role("set-a")})
    r.publish("targets", change=change)
    r.publish("snapshot", "timestamp")
    yield


@case("bad-metadata", fleet=FLEET)
def key_under_a_foreign_id(r):
    def change(signed):
        keys, old = signed["keys"], r.keys["timestamp"][0].public_key.keyid
        keys["aa" * 32] = keys.pop(old)
        signed["roles"]["timestamp"]["keyids"] = ["aa" * 32]
    r.publish("root", change=change)
    yield


@case("bad-metadata", fleet=FLEET)
def threshold_that_nobody_meets(r):
    r.threshold["timestamp"] = 2
    r.publish("root")
    yield


# Text

TEXTS = {
    "a_member_twice": (lambda text: text.replace(b'"signed": {', b'"signed": {"version": 1, ', 1),
                       "Python's json takes the last one"),
    "a_fraction": (lambda text: text.replace(b'"signed": {', b'"signed": {"x": 1.0, ', 1), None),
    "no_number": (lambda text: text.replace(b'"signed": {', b'"signed": {"x": NaN, ', 1), None),
    "something_behind": (lambda text: text + b"{}", None),
    "no_utf8": (lambda text: text.replace(b'"signed": {', b'"signed": {"\xff": 1, ', 1), None),
    "half_a_pair": (lambda text: text.replace(b'"signed": {', b'"signed": {"\\ud800": 1, ', 1), None),
    "a_deep_list": (lambda text: text.replace(b'"signed": {', b'"signed": {"x": ' + b"[" * 90 + b"]" * 90 + b", ", 1),
                    None),
    "empty": (lambda text: b"", None),
}
for text_name, (text_change, text_differs) in TEXTS.items():
    def text_case(r, text_change=text_change):
        r.publish("timestamp", bytes=lambda document: text_change(json.dumps(document).encode()))
        yield
    text_case.__name__ = f"text_with_{text_name}"
    case("bad-metadata", differs=text_differs)(text_case)


def attacks(folder, now):
    cases, disagreements = [], []
    for function, expected, fleet, target, differs, root in CASES:
        name = function.__name__
        repository = Repository(now, fleet)
        base = os.path.join(folder, name)
        put(os.path.join(base, "kept", "root.json"), repository.files["1.root.json"])
        os.makedirs(os.path.join(base, "got"))
        steps = []
        for number, _ in enumerate(function(repository)):
            steps.append(f"step{number}")
            repository.write(os.path.join(base, steps[-1]))
        cases.append({"name": name, "expected": expected, "fleet": fleet, "target": target, "steps": steps,
                      "root": root})
        # What the profile of a fleet alone refuses, others cannot.
        if not fleet or expected == "ok":
            ending = their_ending(base, steps, target, now)
            if (ending == "ok") != (expected == "ok") and not differs:
                disagreements.append(f"{name}: we {expected}, python-tuf {ending}")
    put(os.path.join(folder, "cases.json"), json.dumps(cases).encode())
    if disagreements:
        sys.exit("\n".join(disagreements))
    print(f"{len(cases)} cases")


def their_ending(base, steps, target, now):
    kept, got = os.path.join(base, "their-kept"), os.path.join(base, "their-got")
    with open(os.path.join(base, "kept", "root.json"), "rb") as file:
        put(os.path.join(kept, "root.json"), file.read())
    os.makedirs(got)
    for step in steps:
        try:
            found = read(kept, os.path.join(base, step), got, target, now)
        except Exception as error:  # whatever it raises is its refusal
            return repr(error)
        if found is None:
            return "absent"
        if target and found != CONTENT:
            return "other content"
    return "ok"


def read_sample(folder, now):
    kept, got = os.path.join(folder, "their-kept"), os.path.join(folder, "their-got")
    with open(os.path.join(folder, "root.json"), "rb") as file:
        put(os.path.join(kept, "root.json"), file.read())
    os.makedirs(got)
    # The sample's targets lie beside its metadata.
    os.symlink(os.path.join("..", "targets"), os.path.join(folder, "metadata", "targets"))
    print(read(kept, os.path.join(folder, "metadata"), got, "sets/debian/release", now))


class KeyFileSigner:
    """A key of docs/formats/key-file.md without a passphrase."""

    def __init__(self, path):
        lines = [line for line in open(path).read().splitlines() if line and not line.startswith("#")]
        (self.kind, public), (_, seed) = (line.split(":") for line in lines)
        self.seed = base64.b64decode(seed)
        self.key = {"keytype": self.kind, "keyval": {"public": base64.b64decode(public).hex()}, "scheme": self.kind}
        self.keyid = hashlib.sha256(encode_canonical(self.key).encode()).hexdigest()

    def sign(self, data):
        curve = ed25519.Ed25519PrivateKey.from_private_bytes(self.seed[-32:])
        if self.kind == "ed25519":
            return curve.sign(data)
        message = b"CompositeAlgorithmSignatures2025" + CompositeKey.LABEL + b"\0" + hashlib.sha512(data).digest()
        lattice = mldsa.MLDSA65PrivateKey.from_seed_bytes(self.seed[:32])
        return lattice.sign(message, CompositeKey.LABEL) + curve.sign(message)


def keep(trust, now):
    """What a publisher of the set debian and the keeper sign, beside the root and targets that are there."""
    meta = {}

    def sign(role, key, version, days, members):
        signer = KeyFileSigner(os.path.join(trust, "keys", key))
        signed = {"_type": role if role in TOP else "targets", "spec_version": "1.0.31", "version": version,
                  "expires": time(now + days * DAY), "mirrorfleet": {"fleet": FLEET, "role": role}, **members}
        signature = {"keyid": signer.keyid, "sig": signer.sign(encode_canonical(signed).encode()).hex()}
        data = json.dumps({"signatures": [signature], "signed": signed}).encode()
        name = "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"
        put(os.path.join(trust, "metadata", name), data)
        meta[f"{role}.json"] = describe(data) | {"version": version}

    def describe(data):
        return {"length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}

    put(os.path.join(trust, "targets", "debian", "1"), CONTENT)
    sign("set-debian", "set-debian.key", 1, 90, {"targets": {"debian/1": describe(CONTENT)}})
    with open(os.path.join(trust, "metadata", "1.targets.json"), "rb") as file:
        meta["targets.json"] = describe(file.read()) | {"version": 1}
    sign("snapshot", "online.key", 1, 7, {"meta": dict(meta)})
    sign("timestamp", "online.key", 1, 1, {"meta": {"snapshot.json": meta["snapshot.json"]}})


def read_export(folder, now):
    kept, got = os.path.join(folder, "their-kept"), os.path.join(folder, "their-got")
    with open(os.path.join(folder, "metadata", "1.root.json"), "rb") as file:
        put(os.path.join(kept, "root.json"), file.read())
    os.makedirs(got)
    with open(os.path.join(kept, "root.json"), "rb") as file:
        root = file.read()
    updater = Updater(kept, f"file://{folder}/metadata/", got, f"file://{folder}/targets/", FolderFetcher(),
                      bootstrap=root)
    updater._trusted_set.reference_time = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    updater.refresh()
    found = updater.get_targetinfo("debian/1")
    with open(updater.download_target(found), "rb") as file:
        print(file.read())


def main():
    action, folder, now = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if action == "attacks":
        attacks(folder, now)
    elif action == "keep":
        keep(folder, now)
    elif action == "read-export":
        read_export(folder, now)
    elif action == "read-export-hybrid":
        KEY_FOR_TYPE_AND_SCHEME[(CompositeKey.NAME, CompositeKey.NAME)] = CompositeKey
        read_export(folder, now)
    elif action == "read":
        read_sample(folder, now)
    elif action == "read-hybrid":
        KEY_FOR_TYPE_AND_SCHEME[(CompositeKey.NAME, CompositeKey.NAME)] = CompositeKey
        read_sample(folder, now)
    else:
        sys.exit(f"there is no {action}")


if __name__ == "__main__":
    main()
