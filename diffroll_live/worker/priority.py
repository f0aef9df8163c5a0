"""The priority of the thread that works on jobs, and of the threads that it starts: below the DAW and live input."""

from __future__ import annotations

import ctypes
import os
import sys
import threading

#: More than before. Beside busy threads of normal priority, a thread of niceness 2 gets 39 % of a core; one of 10 would
#: get 10 %.
JOB_NICENESS = 2
_BELOW_NORMAL = -1  # THREAD_PRIORITY_BELOW_NORMAL
_UTILITY = 0x11  # QOS_CLASS_UTILITY


def let_others_go_first() -> None:
    """Lower the priority of the calling thread; threads that it starts later inherit that where the system does so."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + JOB_NICENESS)
    elif sys.platform == "darwin":
        ctypes.CDLL(None).pthread_set_qos_class_self_np(_UTILITY, 0)
    elif sys.platform == "win32":
        kernel = ctypes.windll.kernel32
        kernel.SetThreadPriority(ctypes.c_void_p(kernel.GetCurrentThread()), _BELOW_NORMAL)
