from api.tools.demo.baseline import PlainPipeline
from api.tools.demo.images import render, sample_lines
from api.tools.demo.measure import measure_plain
from api.tools.demo.ocr import model_files, ocr_workload


def test_plain_runtime_reads_every_line_of_the_drawn_images() -> None:
    files = model_files()
    drawn = sample_lines(3, seed=5)
    pages = [render(lines, seed=index) for index, lines in enumerate(drawn)]
    measured = measure_plain(PlainPipeline(ocr_workload(files), files), pages)
    assert measured.lines == drawn
    assert measured.makespan_us > 0
