"""The declaration of a data set that lies in one folder."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rppgbench.core.recording import Dataset, Recording, Redistribution
from rppgbench.datasets.listing import FolderListing
from rppgbench.datasets.simulated_writers import SimulatedSession, SimulatedWriter

if TYPE_CHECKING:
    from rppgbench.simulation import SimulatedRecording, SimulationPlan

T = TypeVar("T")


def folder_dataset(
    *,
    name: str,
    title: str,
    cite: str,
    licence: str,
    url: str,
    expected: Mapping[str, int],
    example: str,
    recordings: Callable[[Path], Iterable[Recording]],
    sessions: "Callable[[SimulationPlan], Iterable[SimulatedSession]] | None" = None,
    write: "Callable[[Path, SimulatedRecording, SimulationPlan], T] | None" = None,
    finish: "Callable[[Path, SimulationPlan, list[T]], None] | None" = None,
    folders: tuple[str, ...] = (),
    folds: Callable[[Path], Mapping[str, tuple[str, ...]]] | None = None,
    leftovers: Callable[[Path], Iterable[str]] | None = None,
    only_simulated: bool = False,
    redistribution: Redistribution = "none",
    mean_colours: bool = False,
    same_people: tuple[str, ...] = (),
) -> Dataset:
    """Declare a data set that is read from, and simulated into, one folder.

    The functions of a data set's file do what is particular to the set. The steps that all sets
    share (outer folders, the mark of a simulated tree, the message for an empty folder, the
    simulation of all sessions) are added here.

    Args:
        name: the name of the file in `benchmarks/`.
        title: the name of the set in tables and messages.
        cite: DOI, or the reference in words.
        licence: the licence or terms, and how to ask for the set.
        url: where the set can be obtained.
        expected: the size of the whole set: {"subjects": 42, "recordings": 42}.
        example: a path of the layout, for the message about a folder without recordings.
        recordings: lists the recordings of a folder without opening a video.
        sessions: the sessions that a simulated tree of a plan holds; None: the set cannot be
            simulated.
        write: writes one simulated recording into a tree: root, recording, plan; None likewise.
        finish: writes what belongs to several recordings, after all of them: root, plan, and what
            `write` returned for each, in the order of `sessions`.
        folders: names of outer folders in which the set may have been unpacked.
        folds: reads the set's own fold files: fold name -> test subjects.
        leftovers: one line for each thing in the folder that is not read.
        only_simulated: there is no genuine set; the tree is simulated when a run needs it.
        redistribution: what the terms let a user pass on.
        mean_colours: the recordings are mean colours of one region, without pictures.
        same_people: names of other sets that hold recordings of some of its people.
    """
    simulate = None
    if sessions is not None and write is not None:
        simulate = SimulatedWriter(dataset=name, sessions=sessions, write=write, finish=finish)
    return Dataset(
        name=name,
        title=title,
        cite=cite,
        licence=licence,
        url=url,
        expected=expected,
        recordings=FolderListing(
            recordings=recordings, folders=folders, title=title, example=example, url=url
        ),
        simulate=simulate,
        folds=folds,
        leftovers=leftovers,
        only_simulated=only_simulated,
        redistribution=redistribution,
        mean_colours=mean_colours,
        same_people=same_people,
    )
