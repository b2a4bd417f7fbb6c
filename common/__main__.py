"""`python -P -m plctl.common`: the `plctl` command where its script is not on the path."""

from plctl.common.cli.start import main

if __name__ == "__main__":
    main()
