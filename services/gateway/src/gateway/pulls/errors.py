"""How asking for a study refuses, and how fetching one can end otherwise than with the study."""

from ictus.domain.errors import ConflictError, IctusError, NotFoundError


class SourceNotFoundError(NotFoundError):
    """No such source at this site."""

    code = "source_not_found"
    title = "There is no such archive to fetch from."


class PullNotFoundError(NotFoundError):
    """No such pull at this site."""

    code = "pull_not_found"
    title = "There is no such pull."


class NoSourceError(ConflictError):
    """The site has no archive that could be asked."""

    code = "no_source"
    title = "No archive is set up from which studies can be fetched. Please tell an administrator."


class PullFailedError(IctusError):
    """The study cannot be fetched, and trying again changes nothing. Subclasses say why."""

    code = "pull_failed"
    title = "The study cannot be fetched."
    status = 502


class NotInArchiveError(PullFailedError):
    """No archive that was asked has the study."""

    code = "not_in_archive"
    title = "No archive has a study with this number."


class SeveralStudiesError(PullFailedError):
    """The number belongs to more than one study."""

    code = "several_studies"
    title = "Several studies have this number. Please order by the StudyInstanceUID."


class OtherPatientError(PullFailedError):
    """The study is not one of the patient that the order names."""

    code = "other_patient"
    title = "The study in the archive is not one of the patient in the order."


class NothingToAnalyseError(PullFailedError):
    """The study has no series that could be analysed."""

    code = "nothing_to_analyse"
    title = "The study in the archive has no CT or MR series."


class SourceRemovedError(PullFailedError):
    """There is nothing to fetch from any more."""

    code = "source_removed"
    title = "The archive that the study was to be fetched from has been removed or switched off."


class NotArrivedError(IctusError):
    """The archive says that it has sent what is not here. It is tried again."""

    code = "not_arrived"
    title = "The archive says that it has sent the study, and it is not here."
    status = 502
