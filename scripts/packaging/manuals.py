#!/usr/bin/env python3
"""Makes the manual pages, from what the programs say of themselves and from docs/reference: they cannot drift.

    scripts/packaging/manuals.py BIN OUT

BIN is the folder of the programs; OUT/PACKAGE/ takes the pages of each package.
"""
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
REFERENCE = os.path.join(HERE, "..", "..", "docs", "reference")
SECTIONS = {"fleetctl": 1, "fleet-agent": 8, "fleet-coordinator": 8}
# Files and long explanations: page, title, package, the text that it is made of.
FILES = [("fleet.yaml", "describes a fleet of mirrors", "fleetctl", "fleet.yaml.md"),
         ("agent.yaml", "describes one host of a fleet of mirrors", "fleet-agent", "agent.yaml.md")]


def escape(text):
    """`text` for roff: nothing in it is a request or an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in text.split("\n"))


def inline(text):
    """A line of Markdown: links become their words, code and stress are bold."""
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text.replace("\\|", "|"))
    parts = re.split(r"(`[^`]+`|\*\*[^*]+\*\*)", text)
    shown = "".join("\\fB" + escape(part.strip("`*")) + "\\fR" if part[:1] in "`*" and len(part) > 2 else escape(part)
                    for part in parts)
    # What stands first in a line must not be taken for a request.
    return "\\&" + shown if shown[:1] in ".'" else shown


def header(name, section, version):
    return [f'.TH "{escape(name).upper()}" "{section}" "" "mirrorfleet {version}" "Mirrorfleet"',
            ".ie \\n(.g .ds Aq \\(aq", ".el .ds Aq '", ".nh", ".ad l"]


def verbatim(lines):
    return [".PP", ".RS 4", ".nf", *[escape(line) for line in lines], ".fi", ".RE"]


def from_markdown(text):
    """The body of a page of docs/reference; its title is left out."""
    out, lines = [], text.split("\n")
    index = 1 if lines and lines[0].startswith("# ") else 0
    while index < len(lines):
        line = lines[index]
        if line.startswith("```"):
            end = next(n for n in range(index + 1, len(lines)) if lines[n].startswith("```"))
            out += verbatim(lines[index + 1:end])
            index = end
        elif line.startswith("    ") and line.strip():
            end = next((n for n in range(index, len(lines)) if not lines[n].startswith("    ")), len(lines))
            out += verbatim([each[4:] for each in lines[index:end]])
            index = end - 1
        elif line.startswith("#"):
            out.append((".SH " if line.startswith("## ") else ".SS ") + '"' + inline(line.lstrip("# ")).upper() + '"')
        elif line.startswith("|"):
            end = next((n for n in range(index, len(lines)) if not lines[n].startswith("|")), len(lines))
            out += table(lines[index:end])
            index = end - 1
        elif re.match(r"\s*(- |\d+\. )", line):
            out += [".IP \\(bu 3", inline(re.sub(r"^\s*(- |\d+\. )", "", line))]
        elif line.strip():
            out.append(inline(line.strip()))
        elif out and not out[-1].startswith((".PP", ".SH", ".SS")):
            out.append(".PP")
        index += 1
    while out and out[-1] == ".PP":
        out.pop()
    return out


def table(lines):
    """A table as a list: its first column is the term, the others follow with their heads."""
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    heads, rows, out = rows[0], rows[2:], []
    for row in rows:
        out += [".TP", inline(row[0]) or "\\&"]
        said = [cell if not head or head == heads[-1] else f"{head}: {cell}"
                for head, cell in zip(heads[1:], row[1:]) if cell]
        out.append(inline("; ".join(said)) or "\\&")
    return out


class Command:
    """One command of a program, as it describes itself."""

    def __init__(self, described, words, section, version):
        self.described, self.words, self.section, self.version = described, words, section, version
        self.name = "-".join(words)
        self.subcommands = [Command(each, words + [each["commandName"]], section, version)
                            for each in described.get("subcommands", []) if each["commandName"] != "help"]

    def all(self):
        return [self] + [each for child in self.subcommands for each in child.all()]

    def arguments(self):
        return [each for each in self.described.get("arguments", []) if each.get("shouldDisplay", True)]

    def page(self):
        abstract = self.described.get("abstract", "").rstrip(".")
        out = header(self.name, self.section, self.version)
        out += [".SH NAME", escape(self.name) + " \\- " + escape(abstract[:1].lower() + abstract[1:])]
        out += [".SH SYNOPSIS", ".B " + escape(" ".join(self.words)), self.synopsis()]
        out += self.discussion()
        if arguments := self.arguments():
            out.append(".SH OPTIONS")
            for each in arguments:
                out += [".TP", self.term(each), inline(self.meaning(each)) or "\\&"]
        if self.subcommands:
            out.append(".SH COMMANDS")
            for each in self.subcommands:
                out += [".TP", f"\\fB{escape(each.name)}\\fR({self.section})",
                        inline(each.described.get("abstract", "")) or "\\&"]
        out += self.see_also()
        return "\n".join(out) + "\n"

    def synopsis(self):
        shown = []
        for each in self.arguments():
            text = f"\\fI{escape(each['valueName'])}\\fR" if each["kind"] == "positional" else self.term(each)
            if each.get("isRepeating"):
                text += " ..."
            shown.append(f"[{text}]" if each["isOptional"] else text)
        if self.subcommands:
            shown.append("\\fICOMMAND\\fR ...")
        return " ".join(shown) or "\\&"

    def term(self, argument):
        if argument["kind"] == "positional":
            return f"\\fI{escape(argument['valueName'])}\\fR"
        preferred = argument.get("preferredName") or argument["names"][0]
        names = [preferred] + [each for each in argument.get("names", []) if each != preferred]
        shown = ", ".join("\\fB" + escape(("--" if each["kind"] == "long" else "-") + each["name"]) + "\\fR"
                          for each in names)
        return shown + (f" \\fI{escape(argument['valueName'])}\\fR" if argument["kind"] == "option" else "")

    def meaning(self, argument):
        text = argument.get("abstract", "")
        if default := argument.get("defaultValue"):
            text += f" (default: {default})"
        if values := argument.get("allValues"):
            text += f" One of: {', '.join(values)}."
        return text.strip()

    def discussion(self):
        """Words in capitals alone in a line begin a section, what is indented stays as it is."""
        out, section = [], "DESCRIPTION"
        blocks = (self.described.get("discussion") or self.described.get("abstract", "")).split("\n")
        shown = None
        for line in blocks:
            if re.fullmatch(r"[A-Z][A-Z ]+", line.strip()):
                section = line.strip()
            elif line.strip():
                if shown != section:
                    out += [f".SH {section}"]
                    shown = section
                if line.startswith("  "):
                    out += [".nf", ".RS 4", escape(line.strip()), ".RE", ".fi"]
                else:
                    out.append(inline(line))
            elif out and not out[-1].startswith((".SH", ".PP")):
                out.append(".PP")
        while out and out[-1] == ".PP":
            out.pop()
        return out

    def see_also(self):
        pages = [(self.words[0], self.section)] if len(self.words) > 1 else []
        pages += [(each, SECTIONS[each]) for each in SECTIONS if each != self.words[0]]
        pages += [(name, 5) for name, _, _, _ in FILES]
        return [".SH SEE ALSO", ", ".join(f"\\fB{escape(name)}\\fR({section})" for name, section in pages)]


def main():
    programs, out = sys.argv[1:3]
    version = None
    for program, section in SECTIONS.items():
        path = os.path.join(programs, program)
        version = subprocess.run([path, "--version"], capture_output=True, check=True, text=True).stdout.strip()
        text = subprocess.run([path, "--experimental-dump-help"], capture_output=True, check=True, text=True).stdout
        folder = os.path.join(out, program)
        os.makedirs(folder, exist_ok=True)
        for command in Command(json.loads(text)["command"], [program], section, version).all():
            with open(os.path.join(folder, f"{command.name}.{section}"), "w") as file:
                file.write(command.page())
    for name, title, package, source in FILES:
        with open(os.path.join(REFERENCE, source)) as file:
            body = from_markdown(file.read())
        lines = header(name, 5, version) + [".SH NAME", f"{escape(name)} \\- {title}", ".SH DESCRIPTION", *body]
        with open(os.path.join(out, package, f"{name}.5"), "w") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
