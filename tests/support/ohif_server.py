"""OHIF's built files and Orthanc's DICOMweb at one address, as a program of its own.

Arguments: the folder with OHIF's index.html, the port to listen on, Orthanc's HTTP port.
"""

import http.client
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DICOM_WEB = "/dicom-web/"
READY = "ready"
CONFIGURATION = """
window.config = {
  routerBasename: null, extensions: [], modes: [], customizationService: {}, hotkeys: [],
  showStudyList: false, showLoadingIndicator: true, showCPUFallbackMessage: false,
  showWarningMessageForCrossOrigin: false, maxNumberOfWebWorkers: 1, useSharedArrayBuffer: 'AUTO',
  investigationalUseDialog: { option: 'never' }, disableConfirmationPrompts: true,
  defaultDataSourceName: 'orthanc',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
    sourceName: 'orthanc',
    configuration: {
      friendlyName: 'Orthanc', name: 'orthanc', qidoRoot: '/dicom-web', wadoRoot: '/dicom-web',
      imageRendering: 'wadors', thumbnailRendering: 'wadors', qidoSupportsIncludeField: false,
      supportsReject: false, enableStudyLazyLoad: true, supportsFuzzyMatching: false,
      supportsWildcard: false, omitQuotationForMultipartRequest: true,
    },
  }],
};
"""


class Handler(SimpleHTTPRequestHandler):
    """Files below the folder; what is none of them is OHIF's own address, or Orthanc's."""

    protocol_version = "HTTP/1.1"
    orthanc = 0

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def do_GET(self) -> None:
        if self.path.startswith(DICOM_WEB):
            self._pass_on()
        elif self.path == "/app-config.js":
            self._answer(200, "text/javascript", CONFIGURATION.encode())
        else:
            if not Path(self.translate_path(self.path)).is_file():
                self.path = "/index.html"
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the base class' name
        """A browser asks for hundreds of files; nobody reads of it."""

    def _pass_on(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.orthanc, timeout=60)
        wanted = {"Accept": self.headers.get("Accept", "*/*"), "Host": self.headers["Host"]}
        connection.request("GET", self.path, headers=wanted)
        answer = connection.getresponse()
        kind = answer.getheader("Content-Type", "application/octet-stream")
        self._answer(answer.status, kind, answer.read())
        connection.close()

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(folder: str, port: str, orthanc: str) -> None:
    """Serve until ended; says so once it listens."""
    Handler.orthanc = int(orthanc)

    def handler(*arguments: object) -> Handler:
        return Handler(*arguments, directory=folder)  # type: ignore[arg-type]  # the server's own

    server = ThreadingHTTPServer(("127.0.0.1", int(port)), handler)
    print(READY, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
