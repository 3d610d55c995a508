"""``bgmatting COMMAND ...``, also as ``python -m bgmatting COMMAND ...``."""
import sys

from bgmatting.commands import COMMANDS, start


def usage() -> str:
    """The list of commands, as text."""
    width = max(map(len, COMMANDS))
    return "\n".join(["usage: bgmatting COMMAND ...   (bgmatting COMMAND --help shows what it takes)", ""]
                     + [f"  {name.ljust(width)}  {about}" for name, (_, about) in COMMANDS.items()])


def main() -> None:
    """Start the command that the first argument names."""
    word = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if word in ("-h", "--help", "help"):
        print(usage())
        return
    if word == "--version":
        from bgmatting import __version__
        print("bgmatting", __version__)
        return
    if word not in COMMANDS:
        print("error: unknown command '{}'. Commands: {}.".format(word, ", ".join(COMMANDS)), file=sys.stderr)
        sys.exit(2)
    sys.argv[:2] = ["bgmatting " + word]
    start(word)


if __name__ == "__main__":
    main()
