"""What every test starts from: no network, one thread per process, quiet libraries."""

import os

# Another number of threads gives other last bits, which a comparison with an oracle can see.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("DIFFUSERS_DISABLE_REMOTE_CODE", "1")
