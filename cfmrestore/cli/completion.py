"""Print what makes a shell complete commands and flags: source <(cfmrestore completion bash)."""

import argparse

from cfmrestore.cli.parser import long_flags

_BASH = """_cfmrestore() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" flags=""
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
        return
    fi
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
    case "$word" in
        -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
        *) COMPREPLY=($(compgen -f -- "$word")) ;;
    esac
}}
complete -o filenames -F _cfmrestore cfmrestore
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh"))


def run(args: argparse.Namespace) -> None:
    from cfmrestore.cli.main import COMMANDS, build_parser

    flags = {name: long_flags(build_parser(name)) for name in COMMANDS}
    cases = "\n".join(f'        {name}) flags="{" ".join(known)}" ;;' for name, known in flags.items())
    print((_ZSH if args.shell == "zsh" else "") + _BASH.format(commands=" ".join(COMMANDS), cases=cases), end="")
