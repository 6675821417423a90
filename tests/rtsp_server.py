#!/usr/bin/python3
"""A real RTSP server for tests, on gst-rtsp-server. Runs under Debian's own Python (gi), not in beket's environment.

usage: rtsp_server.py [--port N] [--login USER:PASSWORD] PATH=FILE[,FILE]... PATH=sound
Each FILE is an MP4 with H.264 or H.265, played once from its start for the first client in real time, files one after the other;
later clients of the same PATH join in. Prints the port when it listens. To stall it send SIGSTOP, to kill it SIGKILL.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def launch(files):
    if files == ["sound"]:
        return "( audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8 )"
    pay = "rtph265pay" if any("h265" in file or "hevc" in file for file in files) else "rtph264pay"
    if len(files) == 1:
        return f'( filesrc location="{files[0]}" ! qtdemux ! queue ! {pay} name=pay0 pt=96 config-interval=-1 )'
    played = " ".join(f'filesrc location="{file}" ! qtdemux ! queue ! joined.' for file in files)
    return f"( concat name=joined ! {pay} name=pay0 pt=96 config-interval=-1 {played} )"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--login")
    parser.add_argument("mounts", nargs="+")
    options = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(options.port))
    if options.login:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "camera")
        user, _, password = options.login.partition(":")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
        server.set_auth(auth)
    for mount in options.mounts:
        path, _, files = mount.partition("=")
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch(files.split(",")))
        factory.set_shared(True)
        if options.login:
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role("camera", "media.factory.access", True)
            permissions.add_permission_for_role("camera", "media.factory.construct", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory("/" + path, factory)
    if not server.attach(None):
        sys.exit(f"port {options.port} is in use")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
