"""Print what makes a shell complete commands, flags and what they choose from: source <(cfmrestore completion bash)."""

import argparse
from collections.abc import Iterator

from cfmrestore import model_zoo
from cfmrestore.cli.parser import long_flags

_BASH = """_cfmrestore() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" command="${{COMP_WORDS[1]}}"
    local flags="" words="" files="-f"
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
        return
    fi
    case "$command" in
{flags}
    esac
    case "$command $before" in
{words}
    esac
    case "$word" in
        -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
        *) COMPREPLY=($(compgen $files -W "$words" -- "$word")) ;;
    esac
}}
complete -o filenames -F _cfmrestore cfmrestore
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh"))


def run(args: argparse.Namespace) -> None:
    from cfmrestore.cli.main import COMMANDS, build_parser

    parsers = {name: build_parser(name) for name in COMMANDS}
    flags = [f'{name}) flags="{" ".join(long_flags(parser))}" ;;' for name, parser in parsers.items()]
    words = [
        f'"{name} {before}") {known} ;;'
        for name, parser in parsers.items()
        for before, known in dict(_choices(name, parser)).items()
    ]
    cases = {"flags": _indented(flags), "words": _indented(words)}
    print((_ZSH if args.shell == "zsh" else "") + _BASH.format(commands=" ".join(COMMANDS), **cases), end="")


def _choices(command: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """The word before a place in a command, and what may stand there: one of some words, or a model, also a file's."""
    first = True
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from _choices(name, inner)
        known, files = [str(word) for word in action.choices or ()], "''"
        if action.dest in ("model", "checkpoint") and not known:
            known, files = [*(["auto"] if action.default == "auto" else []), *model_zoo.cards()], "-f"
        flags = [flag for flag in action.option_strings if flag.startswith("--")]
        before = flags if flags or not first else [command]
        if known and action.help is not argparse.SUPPRESS:
            yield from ((word, f"words='{' '.join(known)}' files={files}") for word in before)
        first = first and bool(action.option_strings)


def _indented(lines: list[str]) -> str:
    return "\n".join(f"        {line}" for line in lines)
