"""Components as tasks: a component and its settings as a small value, which executors, joblib, Dask and Ray carry.

job = wasihost.jobs.Component("udf.wasm", limits=Limits(cpu_time_s=2))
with ProcessPoolExecutor() as executor:
    scores = list(executor.map(job.bind("my:pkg/api#score"), rows))
"""

from wasihost._base.public import publish as _publish
from wasihost._jobs.batches import RayBatches
from wasihost._jobs.component import Bound, Component
from wasihost._jobs.engines import DaskPlugin, ray_task
from wasihost._jobs.mapping import LostWorker

__all__ = ["Bound", "Component", "DaskPlugin", "LostWorker", "RayBatches", "ray_task"]

_publish(globals())
