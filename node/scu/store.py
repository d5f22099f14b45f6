"""A C-STORE whose data set is sent as the bytes that lie in the file (PS3.4 Annex B)."""

import time
from io import BytesIO

from pydicom import Dataset
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE

from node.scu.proposal import Parcel

_LOW = 2  # priority, as pynetdicom's own requests have it


def goes_as_it_is(assoc: Association, parcel: Parcel) -> bool:
    """Whether the peer takes the file's own transfer syntax, so that nothing is to be encoded."""
    wanted = (parcel.sop_class_uid, parcel.transfer_syntax_uid)
    taken = ((c.abstract_syntax, c.transfer_syntax[0]) for c in assoc.accepted_contexts)
    return wanted in taken


def store_as_it_is(assoc: Association, parcel: Parcel) -> Dataset:
    """The status of the peer's response; empty if there was none.

    pynetdicom's own ``send_c_store`` reads every element and writes it again, which takes longer
    than sending it; given a path it reads while it sends, and a file that then fails would end
    in the middle of a message.

    Raises
    ------
    OSError
        If the file cannot be read; nothing was sent.
    """
    with parcel.path.open("rb") as file:
        file.seek(parcel.data_set_at)
        data_set = file.read()
    request = C_STORE()
    request.MessageID, request.Priority = 1, _LOW
    request.AffectedSOPClassUID = parcel.sop_class_uid
    request.AffectedSOPInstanceUID = parcel.sop_instance_uid
    request.DataSet = BytesIO(data_set)
    context = assoc._get_valid_context(
        parcel.sop_class_uid, parcel.transfer_syntax_uid, "scu", allow_conversion=False
    )
    # as pynetdicom does it: the reactor must not take the answer off the queue
    assoc._reactor_checkpoint.clear()
    while not assoc._is_paused:
        time.sleep(0.0001)
    assoc.dimse.send_msg(request, context.context_id or 0)
    _, answer = assoc.dimse.get_msg(block=True)
    assoc._reactor_checkpoint.set()
    if answer is None:
        assoc._handle_no_response()
        return Dataset()
    return assoc._check_received_status(answer)
