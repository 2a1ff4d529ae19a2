#!/usr/bin/env python3
"""in_terminal.py COLUMNS COMMAND...: runs the command in a terminal of that width; prints what it shows, ends with its status."""
import fcntl
import os
import pty
import struct
import sys
import termios

pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
try:
    while data := os.read(fd, 65536):
        os.write(1, data)
except OSError:                 # the terminal is gone with the command
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
