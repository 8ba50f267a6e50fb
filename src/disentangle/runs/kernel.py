"""The kernel that runs notebooks: this very Python, whatever kernels are installed on the machine."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from disentangle.runs import project

_QUIET = ("--IPKernelApp.log_level=50", "--HistoryManager.enabled=False")


def environment(scratch: Path) -> dict[str, str]:
    """Variables of the kernel: quiet, plain, and without the user's own IPython settings.

    A kernel works in the run's folder, so folders that the user named relative to his own are made absolute.
    """
    return {
        **project.named_folders(),
        "DISENTANGLE_HOME": str(project.root()),
        "IPYTHONDIR": str(scratch),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONWARNINGS": ",".join(
            f"ignore::{kind}Warning" for kind in ("Deprecation", "PendingDeprecation", "Future")
        ),
        "TQDM_DISABLE": "1",
    }


class Watch:
    """Follows one kernel: its peak memory, and Ctrl-C, which stops it and is remembered."""

    def __init__(self) -> None:
        self.kernel: AsyncKernelManager | None = None
        self.peak_mib = 0.0
        self.interrupted = False

    def listen(self) -> None:
        """Take Ctrl-C over from nbclient, which stops the kernel but does not say why; called in its loop."""
        try:
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupt)
        except (RuntimeError, ValueError, NotImplementedError):
            pass  # not the main thread, or Windows: nbclient's own behaviour stays

    def measure(self) -> None:
        """Note the kernel's memory."""
        pid = getattr(getattr(self.kernel, "provisioner", None), "pid", None)
        if pid:
            self.peak_mib = max(self.peak_mib, _peak_mib(pid))

    def _interrupt(self) -> None:
        self.interrupted = True
        self._stopping = asyncio.ensure_future(self.kernel.shutdown_kernel(now=True))


def manager_class(watch: Watch, variables: dict[str, str]) -> type[AsyncKernelManager]:
    """A kernel manager that starts this Python with these variables and shows itself to the watch."""

    class ThisPython(AsyncKernelManager):
        def __init__(self, **settings) -> None:
            super().__init__(**settings)
            watch.kernel = self

        @property
        def kernel_spec(self) -> KernelSpec:
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *_QUIET]
            return KernelSpec(argv=command, display_name="Python 3", language="python", env=variables)

    return ThisPython


def _peak_mib(pid: int) -> float:
    """Peak resident memory of a process; where the system does not keep it, the present one."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
        return psutil.Process(pid).memory_info().rss / 2**20
    except (OSError, psutil.Error):
        return 0.0
