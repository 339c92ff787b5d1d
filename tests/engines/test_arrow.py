"""Tables of Arrow through the guests of examples/arrow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.work import executor
from wasihost import Cache, Host, UnsupportedTypeError, WitError, arrow
from wasihost._arrow.columns import column
from wasihost.jobs import Component

EXAMPLE = Path(__file__).parents[2] / "examples" / "arrow"
SCORES = EXAMPLE / "scores.wasm"
WAYS = [f"example:scores/{way}" for way in ("ipc#score", "ipc#score-stream", "columns#score")]


def table_of(rows: int) -> Any:
    import pyarrow as pa

    return pa.table({"id": range(rows), "value": [n / 2 for n in range(rows)]}, schema=schema())


def schema() -> Any:
    import pyarrow as pa

    return pa.schema([("id", pa.int64()), ("value", pa.float64())])


def scores(table: Any) -> list[float]:
    """The column that the guests add."""
    found: list[float] = table.column("score").to_pylist()
    return found


@pytest.fixture
def job(cache: Path) -> Component:
    """The guest in Rust."""
    return Component(SCORES, cache=Cache(cache), instances="kept")


# ---- the conventions


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", [0, 1, 10_000, 200_000])
def test_a_table_goes_in_and_a_table_comes_out(job: Component, way: str, rows: int) -> None:
    found = arrow.bind(job, way)(table_of(rows))
    assert scores(found) == [float(2 * n) for n in range(rows)]


@pytest.mark.parametrize("way", WAYS)
def test_a_table_may_be_a_batch_or_a_part_or_in_chunks(job: Component, way: str) -> None:
    import pyarrow as pa

    table = table_of(6)
    score = arrow.bind(job, way)
    [batch] = table.to_batches()
    assert scores(score(batch)) == [0, 2, 4, 6, 8, 10]
    assert scores(score(table.slice(2, 3))) == [4, 6, 8]
    assert scores(score(pa.concat_tables([table.slice(3), table.slice(0, 2)]))) == [6, 8, 10, 0, 2]


async def test_an_instance_is_called_with_a_table() -> None:
    async with Host().open(SCORES) as instance:
        assert scores(await arrow.call(instance, WAYS[0], table_of(3))) == [0, 2, 4]


def test_a_column_is_given_as_its_own_memory() -> None:
    import pyarrow as pa

    table = table_of(5)
    view = column(table.slice(2), "id", "s64")
    assert pa.py_buffer(view).address == table.column("id").chunk(0).buffers()[1].address + 16
    assert list(view) == [2, 3, 4]


def test_the_err_of_a_guest_is_a_wit_error(job: Component) -> None:
    with pytest.raises(WitError, match="no column id of Int64"):
        arrow.bind(job, WAYS[0])(table_of(1).drop_columns("id"))


def test_a_function_without_tables_is_refused(job: Component) -> None:
    with pytest.raises(UnsupportedTypeError, match=r"example:scores/rows@1\.0\.0#score takes no table: expected"):
        arrow.bind(job, "example:scores/rows#score")


def test_a_table_is_the_only_argument(job: Component) -> None:
    with pytest.raises(TypeError, match="takes one table, not 2 arguments"):
        arrow.bind(job, WAYS[0])(table_of(1), 2)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"id": [1]}, "the table has no column value: it has id"),
        ({"id": [1.5], "value": [1.5]}, "column id is double, and the parameter a list<s64>: cast it to int64"),
        ({"id": [1, 2], "value": [1.5, None]}, "column value has 1 nulls, and a list<f64> has none"),
    ],
)
def test_columns_that_do_not_fit_are_a_type_error(job: Component, columns: dict[str, Any], reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        arrow.bind(job, WAYS[2])(columns)


# ---- where they run


def test_tables_are_mapped_by_an_executor(job: Component) -> None:
    tables = [table_of(n) for n in range(8)]
    found = arrow.bind(job, WAYS[1]).map(tables, executor_factory=executor, chunksize=1)
    assert [scores(table) for table in found] == [[float(2 * n) for n in range(rows)] for rows in range(8)]


def test_the_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLE / "score_table.py"], capture_output=True, text=True, check=True, timeout=300
    )
    assert [text.partition(" in ")[0] for text in done.stdout.splitlines()] == [
        f"{way.partition('/')[2]}: 10000 rows" for way in WAYS
    ]


def test_the_guest_in_python_scores_columns(cache: Path, tmp_path: Path) -> None:
    wasm = tmp_path / "scores.wasm"
    tool = Path(sys.executable).with_name("componentize-py")
    world = f"-d {EXAMPLE}/scores.wit -w example:scores/scores-in-python"
    command = f"-q {world} componentize -p {EXAMPLE}/python scores -o {wasm}"
    subprocess.run([tool, *command.split()], check=True, env={})
    score = arrow.bind(Component(wasm, cache=Cache(cache), instances="kept"), WAYS[2])
    assert scores(score(table_of(100))) == [float(2 * n) for n in range(100)]
