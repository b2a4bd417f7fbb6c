"""Where the files of a study lie, and how they are read.

studies/cc-and-buffers/
    study.yaml          the study as it was given last, byte for byte
    sources/…           the base spec, byte for byte
    study.json          every cell and repetition, with seeds and digests (`study_record.py`)
    journal.jsonl       what was begun and what came of it                (`journal.py`)
    runs/RUN/           the folder of each run, an ordinary one; its labels say of which cell it is
    unfinished/RUN/     runs that were broken off; they count for nothing and may be deleted
"""

from __future__ import annotations

import os
from pathlib import Path

from plctl.common.base.errors import ProtocolError, UserError
from plctl.controller.results.run_files import refuse_strange
from plctl.controller.study_folder import study_record
from plctl.controller.study_folder.journal import JOURNAL_NAME
from plctl.controller.study_folder.study_record import StudyRecord

STUDY_NAME = "study.json"
SPEC_NAME = "study.yaml"
RUNS_NAME = "runs"
UNFINISHED_NAME = "unfinished"
#: A file of this name asks whoever carries the study to end it.
CANCEL_NAME = "cancel"

#: Labels of a run of a study, beside those of its factors and of the base spec.
STUDY_LABEL, CELL_LABEL, REPETITION_LABEL, DIGEST_LABEL = "study", "cell", "repetition", "digest"
#: What is read, or written anew, in a study's folder.
_NAMES = frozenset({"study", "journal", "sources", RUNS_NAME, UNFINISHED_NAME, CANCEL_NAME, "report", "figures"})
#: Of a million runs, and what may still be read into memory.
_MOST_BYTES = {STUDY_NAME: 2**30, JOURNAL_NAME: 2**30}
LABELS = (STUDY_LABEL, CELL_LABEL, REPETITION_LABEL, DIGEST_LABEL)


def is_study(path: Path) -> bool:
    """Whether `path` is the folder of a study."""
    return (path / STUDY_NAME).is_file()


def read_study(path: Path) -> StudyRecord:
    """What the study in the folder `path` asks for.

    :raises UserError: that is no folder of a study, or holds what may lead elsewhere or have no end.
    """
    try:
        refuse_strange(path, _NAMES, _MOST_BYTES, below=False)  # a run's folder is looked at when it is read
        return study_record.from_json((path / STUDY_NAME).read_text(encoding="utf-8"))
    except OSError as error:
        what = os.strerror(error.errno or 0)
        raise UserError(f"{path} is not a study's folder: cannot read {path / STUDY_NAME}: {what}") from None
    except (ValueError, ProtocolError) as error:
        raise UserError(f"{path / STUDY_NAME} is not a study's record: {error}") from None
