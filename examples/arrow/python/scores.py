"""Scores rows and columns, as the guest in Rust does.

componentize-py -d scores.wit -w example:scores/scores-in-python componentize -p python scores -o scores-in-python.wasm
"""

from wit_world import exports


def score_of(id: int, value: float) -> float:
    return value * 2.0 + id


class Rows(exports.Rows):
    def score(self, id: int, value: float) -> float:
        return score_of(id, value)


class Columns(exports.Columns):
    def score(self, id: list[int], value: list[float]) -> list[float]:
        return list(map(score_of, id, value))
