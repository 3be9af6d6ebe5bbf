#!/usr/bin/env python3
"""Milliseconds from starting a program to its first 200 from /ready: the median of some starts.

usage: ready.py STARTS PORT PROGRAM [ARGUMENTS...]    the server listens on 127.0.0.1:PORT and stops on SIGTERM
"""
import http.client
import statistics
import subprocess
import sys
import time


def is_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def start(port, command):
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not is_ready(port):
            if process.poll() is not None:
                sys.exit(f"{command[0]} ended with {process.returncode} before it was ready")
            if time.monotonic() - begun > 30:
                sys.exit(f"{command[0]} was not ready within 30 s")
            time.sleep(0.001)
        return (time.monotonic() - begun) * 1000
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


times = [start(int(sys.argv[2]), sys.argv[3:]) for _ in range(int(sys.argv[1]))]
print(f"{statistics.median(times):.1f} {min(times):.1f} {max(times):.1f}")
