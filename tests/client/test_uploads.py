from pronghorn import UploadTracker


def test_it_counts() -> None:
    tracker = UploadTracker()
    assert (tracker.bytes_written, tracker.total) == (0, None)
    tracker.start(10)
    tracker.add(4)
    tracker.add(6)
    assert (tracker.bytes_written, tracker.total) == (10, 10)
    assert (tracker.attempts, tracker.upload_complete) == (1, False)
    tracker.finish()
    assert tracker.upload_complete
    tracker.start(None)
    assert (tracker.bytes_written, tracker.total) == (0, None)
    assert (tracker.attempts, tracker.upload_complete) == (2, False)


def test_it_tells() -> None:
    told = []
    tracker = UploadTracker(lambda written, total: told.append((written, total)))
    tracker.start(3)
    tracker.add(1)
    tracker.add(2)
    assert told == [(1, 3), (3, 3)]
