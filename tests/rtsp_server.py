"""An RTSP server by GStreamer, run by the system's Python: paints textured frames, h264, at mount points.

Usage: /usr/bin/python3 rtsp_server.py PORT FPS MOUNT [MOUNT ...]; prints "ready". Basic authentication, guard:s3cr@t,
where a mount's name begins with "locked".
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def factory(fps):
    media = GstRtspServer.RTSPMediaFactory()
    media.set_launch(
        f"( videotestsrc is-live=true pattern=snow ! video/x-raw,width=320,height=192,framerate={fps}/1 ! "
        "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 bitrate=2000 ! "
        "rtph264pay name=pay0 pt=96 config-interval=1 )"
    )
    media.set_shared(True)
    return media


def main(port, fps, mounts):
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    if any(mount.startswith("locked") for mount in mounts):
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "guard")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic("guard", "s3cr@t"), token)
        server.set_auth(auth)
    for mount in mounts:
        made = factory(fps)
        if mount.startswith("locked"):
            made.add_role_from_structure(
                Gst.Structure.new_from_string("guard,media.factory.access=true,media.factory.construct=true")
            )
        server.get_mount_points().add_factory(f"/{mount}", made)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
