"""Settings are taken up by a running node, and nobody who is sending notices."""

from pathlib import Path

from pydicom.uid import ExplicitVRLittleEndian

from tests.support.ctp import CtpSpec, build_series
from tests.support.listening import associated, encoded, send_bytes
from tests.support.prompt import perfusion_node
from tests.support.running_node import running_node, wait_for

PEERS = '[scp]\nallowed_peers = [{ ae_title = "NEW" }]\n'


def test_a_reload_keeps_associations_and_says_what_waits_for_a_restart(tmp_path: Path) -> None:
    """Who may send changes at once, workers begin anew; what is wrong changes nothing."""
    images = build_series(CtpSpec(slices=2, frames=3))
    contexts = [(str(images[0].SOPClassUID), [ExplicitVRLittleEndian])]
    with running_node(tmp_path, "") as node:

        def store(assoc: object, image: int) -> int:
            data_set = images[image]
            uid = str(data_set.SOPInstanceUID)
            return send_bytes(assoc, str(data_set.SOPClassUID), uid, encoded(data_set))  # type: ignore[arg-type]

        with associated(node.port, contexts) as sending:
            assert store(sending, 0) == 0
            good = node.config.read_text()
            node.config.write_text(good.replace("grace_s", "gracee_s"))
            wrong = perfusion_node("reload", "-c", node.config)
            assert (wrong.code, "did you mean scp.grace_s?" in wrong.err) == (2, True)
            changed = good.replace("[scp]\n", PEERS).replace("gib = 0.1", "gib = 0.0")
            node.config.write_text(f"{changed}\n[jobs]\nmax_attempts = 7\n")
            told = perfusion_node("reload", "-c", node.config, "--json").json
            assert told["at_restart"] == ["spool.min_free_gib"]
            assert {"jobs.max_attempts", "scp.allowed_peers.0.ae_title"} <= set(told["live"])
            wait_for(lambda: "listener_readmits" in node.log, "the listener takes it up")
            wait_for(lambda: node.log.count("part_started") == 7, "three parts begin anew")
            assert store(sending, 1) == 0
            with associated(node.port, contexts) as refused:
                assert refused.is_rejected
            with associated(node.port, contexts, calling="NEW") as welcome:
                assert store(welcome, 2) == 0
        assert "part_died" not in node.log
    assert perfusion_node("reload", "-c", node.config).code == 2
