"""Video files that are none or too much; what is read of them is read by the real child process."""

from aiohttp import FormData

from tests.security.bad_input import BadInput, Send, request

TITLE = "Video files"
VIDEOS = "/api/videos"
NOBODY = f"{VIDEOS}/..%2F..%2Fetc%2Fpasswd"


def _file(data: bytes, *, name: str = "gate.mp4") -> Send:
    def form() -> FormData:
        made = FormData()
        made.add_field("file", data, filename=name)
        return made

    return request("POST", VIDEOS, data=form)


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"

CASES = (
    BadInput(
        "text called .mp4",
        415,
        "gate.mp4 is not a video. MP4, MOV, MKV, WebM, AVI and most others work.",
        _file(b"hello, this is text\n" * 50),
    ),
    BadInput(
        "a playlist that names /etc/passwd",
        415,
        "list.m3u8 is not a video. MP4, MOV, MKV, WebM, AVI and most others work.",
        _file(PLAYLIST, name="list.m3u8"),
    ),
    BadInput(
        "a list of files for FFmpeg",
        415,
        "list.mp4 is not a video. MP4, MOV, MKV, WebM, AVI and most others work.",
        _file(b"ffconcat version 1.0\nfile /etc/passwd\n", name="list.mp4"),
    ),
    BadInput(
        "an MP4 that breaks off after its first box",
        422,
        "The file ends after 0 frames. Export it again and add the new file.",
        _file(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0\0\0\x08moov"),
    ),
    BadInput(
        "no file in the form",
        400,
        "there is no video: send it as form field 'file' or as the body",
        request("POST", VIDEOS, data=lambda: FormData({"conf": "0.5"}, default_to_multipart=True)),
    ),
    BadInput(
        "no body", 400, "there is no video: send it as form field 'file' or as the body", request("POST", VIDEOS, data=b"")
    ),
    BadInput(
        "a malformed form",
        400,
        "the multipart form is malformed",
        request("POST", VIDEOS, data=b"--x\r\nnonsense", headers={"Content-Type": "multipart/form-data; boundary=x"}),
    ),
    BadInput("`conf=2`", 400, "parameter conf: Expected `float` <= 1.0", request("POST", f"{VIDEOS}?conf=2", data=b"x")),
    BadInput("`every=0`", 400, "parameter every: Expected `int` >= 1", request("POST", f"{VIDEOS}?every=0", data=b"x")),
    BadInput(
        "`classes=unicorn`",
        400,
        "parameter classes: the model knows no class 'unicorn'",
        request("POST", f"{VIDEOS}?classes=unicorn", data=b"x"),
    ),
    BadInput("a video that is not there", 404, "there is no video 'nobody'", request("GET", f"{VIDEOS}/nobody")),
    BadInput("the video `../../etc/passwd`", 404, "there is no video '../../etc/passwd'", request("GET", NOBODY)),
    BadInput(
        "the result of `../../etc/passwd`",
        404,
        "there is no video '../../etc/passwd'",
        request("GET", f"{NOBODY}/annotated.mp4"),
    ),
    BadInput("removing `../../etc/passwd`", 404, "there is no video '../../etc/passwd'", request("DELETE", NOBODY)),
    BadInput(
        "a result that there is none of",
        404,
        "there is nothing at this address",
        request("GET", f"{VIDEOS}/nobody/original.mp4"),
    ),
)
