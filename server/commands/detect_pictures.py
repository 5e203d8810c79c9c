"""The pictures of `sightline detect`."""

import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from server.commands.detect_summary import Summary
from server.commands.detect_work import DetectWork
from server.commands.progress import Progress
from server.inference.processors import available_processors
from server.media.picture_files import PictureFile
from server.pipeline.annotator import BoxAnnotator
from server.pipeline.offline import PictureLine
from server.pipeline.result_files import FILE_NAMES, ResultWriter, result_file
from server.web.configured_model import detector_workers

ANNOTATED_DIR = "annotated"


async def check_pictures(work: DetectWork, files: Sequence[PictureFile], *, summary: Summary, stop: asyncio.Event) -> None:
    """Checks them all, or those that were begun when `stop` is set, and counts them. Raises OSError."""
    order, pool = work.order, work.pool
    with (
        ThreadPoolExecutor(max(2, available_processors()), thread_name_prefix="io") as io,
        result_file(order.out / FILE_NAMES[order.form], form=order.form, model=pool.info) as results,
    ):
        line = PictureLine(
            pool=pool,
            annotator=BoxAnnotator(pool.info.labels),
            options=work.options,
            io=io,
            annotated_dir=order.out / ANNOTATED_DIR if order.annotated else None,
            max_pixels=work.settings.predict.max_pixels,
            # Each worker has one, the next ones are decoded and the last ones drawn meanwhile.
            at_once=2 * detector_workers(work.settings) + 2,
        )
        await _check(line, files, results=results, summary=summary, stop=stop)


async def _check(
    line: PictureLine, files: Sequence[PictureFile], *, results: ResultWriter, summary: Summary, stop: asyncio.Event
) -> None:
    progress = Progress(len(files), stream=sys.stderr)
    async for checked in line.run(files, stop=stop):
        summary.add_picture(checked)
        await asyncio.to_thread(results.add, checked)
        if checked.error is not None:
            progress.say(f"sightline: {checked.file.path}: {checked.error}")
        progress.advance()
    progress.close()
    complete = progress.done == len(files)
    summary.complete = summary.complete and complete
    results.finish(complete=complete)
