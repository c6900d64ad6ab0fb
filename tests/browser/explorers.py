"""Every explorer, as a cell that a learner runs; many begin between two round values."""

# Each ends in an expression that makes an explorer.
EXPLORERS = {
    "loss": """
from deployworkbook.widgets.losses import loss_explorer
loss_explorer()
""",
    "parabola": """
from deployworkbook.widgets.parabola import parabola_explorer
parabola_explorer()
""",
    "descent": """
from deployworkbook.widgets.descent import descent_explorer
descent_explorer()
""",
    "learning-rate sweep": """
from deployworkbook.widgets.learning_rate_sweep import learning_rate_sweep_explorer
learning_rate_sweep_explorer()
""",
    "quantizer": """
import numpy as np
from deployworkbook.widgets.quantizer import quantizer_explorer
quantizer_explorer(np.random.default_rng(0).normal(0, 0.06, (784, 128)))
""",
    "divergence": """
from deployworkbook.widgets.divergence import divergence_explorer
divergence_explorer()
""",
    "importance": """
import numpy as np
from deployworkbook.widgets.importance import importance_explorer
rng = np.random.default_rng(0)
weights, images = rng.normal(0, 0.06, (784, 128)), rng.random((10, 28, 28))
importance_explorer(weights, {"magnitude": abs(weights)}, images)
""",
    "temperature": """
import numpy as np
from deployworkbook.widgets.temperature import temperature_explorer
rng = np.random.default_rng(0)
logits, images = rng.normal(0, 3, (60, 10)), rng.random((60, 28, 28))
temperature_explorer(logits, images, rng.integers(0, 10, 60))
""",
    "overhead": """
from deployworkbook.widgets.overhead import overhead_explorer
sizes = (1, 4, 16, 64, 256, 1024)
lines = {f"platform {k}": (10.0**-k, 2e-6) for k in range(2, 9)}
overhead_explorer({name: {n: a + b * n for n in sizes} for name, (a, b) in lines.items()})
""",
    "platform choice": """
from deployworkbook.plots.platforms import PlatformFigures
from deployworkbook.widgets.platform_choice import platform_choice_explorer
platform_choice_explorer([
    PlatformFigures(f"platform {k}", 10.0**-k, 10.0**-k, 4 * 10**5, 10**8 * k, 0.5, 1,
                    {n: 10.0**-k + 2e-6 * n for n in (1, 4, 16, 64, 256, 1024)})
    for k in range(2, 9)
])
""",
    "batching": """
from deployworkbook.widgets.batching import batching_explorer
explorer = batching_explorer(call_us=510.0, rate_per_s=1234.5)
explorer.set(largest_batch=16)
explorer
""",
    "replicas": """
from deployworkbook.widgets.replicas import replicas_explorer
replicas_explorer(rate_per_s=123.4, service_ms=5.0)
""",
    "advice": """
import numpy as np
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.widgets.advice import advice_explorer
rng = np.random.default_rng(0)
advice_explorer([
    Profile(f"form {k}", "litert", 10 ** rng.uniform(-2.5, 1.5), 0.1, rng.uniform(0.9, 0.99),
            1e5, 1e5, 10 ** rng.uniform(7.5, 9.2))
    for k in range(20)
], Workload(2000.0, latency_objective_ms=5.0), memory_bytes=300e6, accuracy_share=0.9723)
""",
    "cost": """
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.widgets.cost import cost_explorer
profile = Profile("float32", "numpy", 0.02, 0.1, 0.98, 407_080, 380_000, 100e6)
cost_explorer(Workload(2000.0, request_bytes=3217.0), Deployment(profile, spot_share=0.33))
""",
    "cloud or edge": """
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.widgets.cloud_or_edge import cloud_or_edge_explorer
profile = Profile("float32", "numpy", 0.02, 0.1, 0.98, 407_080, 380_000, 100e6)
cloud_or_edge_explorer(Workload(2000.0, response_bytes=150.0), Deployment(profile))
""",
    "price stress": """
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.widgets.price_stress import stress_explorer
profile = Profile("float32", "numpy", 0.02, 0.1, 0.98, 407_080, 380_000, 100e6)
stress_explorer(Workload(2000.0), Deployment(profile))
""",
    "storage": """
from deployworkbook.widgets.storage_choice import storage_explorer
storage_explorer()
""",
    "drift": """
import numpy as np
from deployworkbook.widgets.drift import drift_explorer
rng = np.random.default_rng(0)
hidden = [rng.normal(0, 0.06, (784, 128)), np.zeros(128)]
model = [*hidden, rng.normal(0, 0.1, (128, 10)), np.zeros(10)]
images, labels = rng.random((2000, 28, 28)), rng.integers(0, 10, 2000)
drift_explorer(model, (images, labels), (images[:600], labels[:600]))
""",
    "alarm": """
import numpy as np
from deployworkbook.widgets.alarm import alarm_explorer
rng = np.random.default_rng(0)
alarm_explorer(rng.normal(size=4000), {"rotated": rng.normal(0.7, 1, 2000)})
""",
    "error budget": """
from deployworkbook.widgets.error_budget import budget_explorer
budget_explorer()
""",
    "fit": """
import numpy as np
from deployworkbook.plots.fit import MeasuredForm
from deployworkbook.widgets.fit import fit_explorer
rng = np.random.default_rng(0)
weights = [rng.normal(0, 0.06, (784, 128)), np.zeros(128), rng.normal(0, 0.1, (128, 10))]
images, labels = rng.random((500, 28, 28)), rng.integers(0, 10, 500)
fit_explorer([MeasuredForm(4, 0.975, 104, 0.98)], model=([*weights, np.zeros(10)], images, labels))
""",
    "battery": """
from deployworkbook.widgets.battery import battery_explorer
battery_explorer(cycles=123_456)
""",
    "over the air": """
from deployworkbook.widgets.over_the_air import update_explorer
update_explorer(full_bytes=5812, patch_bytes=1017)
""",
    "cache": """
from deployworkbook.widgets.cache_memory import cache_explorer
explorer = cache_explorer(model="llama-3.1-70b")
explorer.set(tokens=3456, users=23)
explorer
""",
    "token roofline": """
from deployworkbook.widgets.token_roofline import roofline_explorer
explorer = roofline_explorer(accelerator="l4")
explorer.set(tokens=3456, batch=16)
explorer
""",
    "privacy": """
from deployworkbook.formulas.membership import roc_curve
from deployworkbook.widgets.privacy import privacy_explorer
explorer = privacy_explorer(attacks={"LiRA": roc_curve([3.0, 2.0, 1.0], [1.5, 0.5, 0.0])})
explorer.set(noise_multiplier=1.234)
explorer
""",
    "retraining": """
from deployworkbook.updates.comparison import FormUpdate, UpdateComparison, UpdateResult
from deployworkbook.updates.making import PatchSizes
from deployworkbook.updates.retraining import Way
from deployworkbook.formulas.shares import Share
from deployworkbook.updates.scores import Change
from deployworkbook.widgets.retraining import retraining_explorer
scores = Share(920, 1000), Share(940, 1000), Change(0, 200, 1000), Change(40, 0, 1000)
sizes = PatchSizes(43_000, "XOR", 107_000, 90_000, {}, None)
form = FormUpdate("int8", b"", *scores, sizes, None)
results = (UpdateResult(Way("all weights"), {"int8": form}, 1.0),)
before = {"int8": Share(720, 1000)}, {"int8": Share(980, 1000)}
explorer = retraining_explorer(UpdateComparison(1000, *before, results))
explorer.set(new_percent=37)
explorer
""",
    "extraction": """
from types import SimpleNamespace
from deployworkbook.widgets.extraction import extraction_explorer
shares = [SimpleNamespace(value=each) for each in (0.7, 0.9, 0.95)]
copies = SimpleNamespace(queries=(100, 1000, 10_000), agreements=shares)
explorer = extraction_explorer({"none": copies})
explorer.set(queries=1234.0)
explorer
""",
    "token cost": """
from deployworkbook.widgets.token_cost import token_cost_explorer
explorer = token_cost_explorer()
explorer.set(batch=128, prompt_tokens=345)
explorer
""",
    "block quantization": """
import numpy as np
from deployworkbook.widgets.block_quantization import block_explorer
block_explorer(np.random.default_rng(0).standard_t(5, size=(784, 128)) * 0.03)
""",
}
