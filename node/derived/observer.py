"""Who speaks in a document: the node as a device, no person (PS3.16 TID 1004)."""

import highdicom as hd
from highdicom.sr import CodedConcept

from node.derived import codes, uids
from node.derived.context import MANUFACTURER, PRODUCT, Context


def device_observer(context: Context) -> hd.sr.ObserverContext:
    """The node, with a UID that all its documents share."""
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=uids.derive(context.options.uid_root, "device observer", PRODUCT),
        name=PRODUCT,
        manufacturer_name=MANUFACTURER,
        model_name=PRODUCT,
        serial_number=context.serial_number,
    )
    return hd.sr.ObserverContext(CodedConcept.from_code(codes.DEVICE), device)
