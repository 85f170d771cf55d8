"""A changed fleet.yaml is handed to the running coordinator: shown line by line, refused if unsafe, never half taken."""
import os
import re

from lab import LabTest, wait_until, write


class Apply(LabTest):
    mirrors = 2

    def edit(self, *replacements):
        with open(self.fleet.fleet) as file:
            text = file.read()
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        with open(self.fleet.fleet, "w") as file:
            file.write(text)

    def log(self):
        with open(self.fleet.host("coordinator", "coordinator.log"), errors="replace") as file:
            return file.read()

    def without(self, name):
        with open(self.fleet.fleet) as file:
            lines = file.readlines()
        with open(self.fleet.fleet, "w") as file:
            file.writelines(line for line in lines if f"name: {name}," not in line)

    def test_a_change_is_shown_taken_and_outlives_a_restart(self):
        source = self.fleet.scratch("source")
        write(os.path.join(source, "file"), b"one")
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait")
        self.assertIn("nothing changes", self.fleet("apply").out)
        self.fleet("mirror", "drain", "m2")
        self.edit(("report_interval: 1s", "report_interval: 2s"), ("name: m1, region: lab", "name: m1, region: eu"))
        shown = self.fleet("apply", "--dry-run", "--detailed-exitcode", expect=2).out
        self.assertRegex(shown, r"fleet\.yaml:\d+:\d+: coordinator\.report_interval: 1s -> 2s\n")
        self.assertRegex(shown, r"fleet\.yaml:\d+:\d+: mirrors\.m1\.region: lab -> eu\n2 changes would be applied")
        self.assertEqual("lab", self.fleet.mirror("m1")["region"])
        self.assertIn("applied 2 changes", self.fleet("apply").out)
        self.assertEqual("eu", self.fleet.mirror("m1")["region"])
        self.fleet.lab("stop", "coordinator")
        self.fleet.lab("start", "coordinator")
        self.assertEqual("eu", self.fleet.mirror("m1")["region"])
        self.assertEqual("drained", self.fleet.mirror("m2")["state"])

        # m2 is drained, and the set asks for two copies: both speak against its going.
        self.edit(("replicas: 2", "replicas: 1"))
        self.without("m2")
        refused = self.fleet("apply", "-o", "json", expect=4).json
        self.assertEqual(["override"], [refusal["code"] for refusal in refused["refusals"]])
        self.assertFalse(refused["isApplied"])
        said = self.fleet("apply", expect=4).err
        self.assertIn("m2 is drained by operator: that would be forgotten with it", said)
        self.assertIn("mirror expunge m2", said)
        self.assertIn("m2", [m["name"] for m in self.fleet.status()["mirrors"]])
        self.fleet("apply", "--allow", "override", expect=64)

    def test_a_mirror_is_expunged_for_good_but_not_with_the_only_copy(self):
        source = self.fleet.scratch("source")
        write(os.path.join(source, "file"), b"one")
        self.fleet("publish", "debian", source)
        self.fleet("sync", "--wait", "--mirror", "m2")
        self.fleet("trust", "policy", "debian", "--fetch", "mirror=m1,m2")
        self.assertIn("still stands in", self.fleet("mirror", "expunge", "m2", expect=4).err)
        self.edit(("replicas: 2", "replicas: 1"))
        self.without("m2")
        # m1 is behind: without m2 fewer copies would be left than the set asks for.
        refused = self.fleet("mirror", "expunge", "m2", expect=4).err
        self.assertIn("debian asks for 1 copies, and without m2 0 would be in step", refused)
        self.assertEqual("in-sync", self.fleet.mirror("m2", "debian")["state"])
        self.fleet("sync", "--wait", "--mirror", "m1")
        done = self.fleet("mirror", "expunge", "m2")
        self.assertIn("expunged m2", done.out)
        # Who is gone is signed still.
        self.assertIn("not signed yet: debian: fetch: not said, was mirror=m1,m2,origin", done.err)
        self.assertIn("what stays on m2", done.err)
        self.assertNotIn("m2", [m["name"] for m in self.fleet.status()["mirrors"]])
        self.assertNotIn("m2", self.fleet("mirror", "list").out)
        # Its agent is no member any more, also where it was connected, and what it served stays.
        self.assertServed(source)
        wait_until(lambda: re.search(r"agent/m2 (is not in fleet.yaml|was taken out)", self.log()), "m2 is refused")
        self.fleet("mirror", "expunge", "m2")

    def test_the_inventory_is_that_of_fleet_yaml(self):
        children = self.fleet("export", "ansible-inventory").json["all"]["children"]
        self.assertEqual({"origin", "m1", "m2"}, set(children["fleet_agents"]["hosts"]))
        self.assertRegex(children["fleet_agents"]["hosts"]["m1"]["ansible_host"], r"^127\.\d+\.\d+\.\d+$")
        self.assertEqual(["coord1"], list(children["fleet_coordinators"]["hosts"]))

    def test_what_counts_only_once_it_is_signed_is_said(self):
        self.edit(("replicas: 2", "replicas: 2, flip_quorum: 1"))
        applied = self.fleet("apply")
        self.assertIn("not signed yet: debian: flip_quorum: 1", applied.err)
        self.assertIn("apply --sign", applied.err)
        need = self.fleet("apply", "-o", "json").json["signatures"][0]
        self.assertEqual(("debian", "flip_quorum"), (need["set"], need["key"]))
        self.fleet("trust", "policy")
        self.assertNotIn("not signed", self.fleet("apply").err)
        self.assertEqual([], self.fleet("apply", "-o", "json").json["signatures"])

    def policies(self):
        return {policy.pop("set"): policy for policy in self.fleet("trust", "show", "-o", "json").json["policies"]}

    def test_a_line_that_was_taken_out_binds_until_that_is_signed(self):
        self.edit(("name: debian, origin", "name: debian, flip_quorum: 1, max_delete: 50%, origin"))
        self.fleet("apply", "--sign")
        self.edit((" max_delete: 50%,", ""))
        # Named by each run, also when the coordinator has the file already, and not signed by any of them.
        for _ in range(2):
            applied = self.fleet("apply")
            self.assertIn("not signed yet: debian: max_delete: not said, was 50%", applied.err)
            self.assertIn("apply --sign", applied.err)
            self.assertNotIn("flip_quorum", applied.err)
        self.assertIn("nothing changes", applied.out)
        self.assertEqual(50, self.policies()["debian"]["maxDelete"])
        signed = self.fleet("apply", "--sign")
        self.assertIn("- max_delete: 50%", signed.err)
        self.assertIn("policy of debian: flip_quorum 1\n", self.fleet("trust", "show").out)
        # The last one of a set, and one that never was in the file.
        self.edit((" flip_quorum: 1,", ""))
        said = self.fleet("trust", "policy", "debian", "--max-shrink", "7%").err
        for words in ["says otherwise (debian: flip_quorum: not said)", "says otherwise (debian: max_shrink: not said)"]:
            self.assertIn(words, said)
        outcome = self.fleet("apply", "--sign", "-o", "json").json
        self.assertEqual([("flip_quorum", "not said", "1"), ("max_shrink", "not said", "7%")],
                         [(need["key"], need["wanted"], need["signed"]) for need in outcome["signatures"]])
        self.assertEqual({}, self.policies())
        wait_until(lambda: self.fleet.status()["sets"][0]["trust"]["flipQuorum"] == 0, "the status says so")
        self.assertEqual([], self.fleet("apply", "-o", "json").json["signatures"])

    def test_a_set_that_was_taken_out_keeps_its_rules_and_a_new_one_needs_keys_first(self):
        self.edit(("name: debian, origin", "name: debian, fetch: {mirrors: [m1, m2]}, origin"))
        self.fleet("apply", "--sign")
        self.edit(("name: debian, fetch: {mirrors: [m1, m2]}, origin", "name: other, max_delete: 5%, origin"),
                  ("sets: [debian,", "sets: [other,"))
        # No key may sign for it: nothing is handed over.
        refused = self.fleet("apply", "--sign", expect=4)
        self.assertIn("nothing can be signed of other", refused.err)
        self.assertIn("trust delegate other", refused.err)
        self.assertIn("sets.debian", self.fleet("apply", "--dry-run", expect=None).out)
        said = self.fleet("apply", "--dry-run", expect=None).err
        self.assertIn("debian is not in", said)
        self.assertIn("stays signed: fetch: mirror=m1,m2,origin", said)
        self.assertIn("not signed yet: other: max_delete: 5%", said)
        other = self.fleet("apply", "--dry-run", "-o", "json", expect=None).json["otherSets"]
        self.assertEqual([("debian", "fetch")], [(need["set"], need["key"]) for need in other])

    def test_what_has_to_be_signed_is_signed_with_it(self):
        self.edit(("name: debian, origin", "name: debian, flip_quorum: 1, max_delete: 50%, origin"))
        self.fleet("apply", "--sign", "--dry-run", expect=64)
        self.fleet("apply", "--sign-with", "absent.key", expect=64)
        # Where nothing can be signed nothing is handed over.
        absent = self.fleet("apply", "--sign", "--dir", self.fleet.scratch("nothing"), expect=None)
        self.assertNotEqual(0, absent.code)
        self.assertIn("trust", absent.err)
        self.assertIn("max_delete", self.fleet("apply", "--dry-run").out)
        signed = self.fleet("apply", "--sign")
        self.assertIn("not signed yet: debian: flip_quorum: 1", signed.err)
        self.assertIn("signed", signed.out)
        self.assertIn("policy of debian: flip_quorum 1, max_delete 50%", self.fleet("trust", "show").out)
        # The keeper has it, and so has the coordinator.
        wait_until(lambda: self.fleet.status()["sets"][0]["trust"]["flipQuorum"] == 1, "the status says so")
        self.edit(("max_delete: 50%", "max_delete: 60%"))
        outcome = self.fleet("apply", "--sign", "-o", "json").json
        self.assertEqual(["max_delete"], [need["key"] for need in outcome["signatures"]])
        self.assertTrue(outcome["isApplied"] and outcome["signed"]["isComplete"])
        again = self.fleet("apply", "--sign", "-o", "json").json
        self.assertEqual(([], None), (again["signatures"], again.get("signed")))
        # What is refused is not signed: that m2 is drained would be forgotten with it.
        self.fleet("mirror", "drain", "m2")
        self.edit(("max_delete: 60%", "max_delete: 70%"), ("replicas: 2", "replicas: 1"))
        self.without("m2")
        refused = self.fleet("apply", "--sign", "-o", "json", expect=4).json
        self.assertEqual(["max_delete"], [need["key"] for need in refused["signatures"]])
        self.assertIn("max_delete 60%", self.fleet("trust", "show").out)
