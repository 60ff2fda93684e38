"""Print what makes a shell complete commands and flags: source <(cfmrestore completion bash)."""

import argparse

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

    flags = {name: _flags(build_parser(name)) for name in COMMANDS}
    cases = "\n".join(f'        {name}) flags="{" ".join(known)}" ;;' for name, known in flags.items())
    print((_ZSH if args.shell == "zsh" else "") + _BASH.format(commands=" ".join(COMMANDS), cases=cases), end="")


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    """The long flags, those of subcommands among them."""
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [flag for inner in action.choices.values() for flag in _flags(inner)]
        elif action.help is not argparse.SUPPRESS:
            found += [flag for flag in action.option_strings if flag.startswith("--")]
    return sorted(set(found))
