/* Masking (RFC 6455 section 5.3) as `mask.py` has it, in C: it changes speed only.

   Built where a compiler is found, against the stable ABI of Python 3.11: one file for all later versions. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define KEY_SIZE 4
#define WORD_SIZE 8

/* A loop whose end is known when it begins, over words: compilers make vectors of that. */
static void
mask_octets(const unsigned char *restrict data, unsigned char *restrict masked, Py_ssize_t size,
            const unsigned char *key)
{
    Py_ssize_t words = size / WORD_SIZE;
    uint64_t word_key, word;

    memcpy(&word_key, key, KEY_SIZE);
    memcpy((unsigned char *)&word_key + KEY_SIZE, key, KEY_SIZE);
    for (Py_ssize_t i = 0; i < words; i++) {
        memcpy(&word, data + WORD_SIZE * i, WORD_SIZE);
        word ^= word_key;
        memcpy(masked + WORD_SIZE * i, &word, WORD_SIZE);
    }
    for (Py_ssize_t i = WORD_SIZE * words; i < size; i++) {
        masked[i] = data[i] ^ key[i % KEY_SIZE];
    }
}

/* The same over what is there: of two pointers to one place compilers make no vectors. */
static void
mask_octets_in_place(unsigned char *octets, Py_ssize_t size, const unsigned char *key)
{
    Py_ssize_t words = size / WORD_SIZE;
    uint64_t word_key, word;

    memcpy(&word_key, key, KEY_SIZE);
    memcpy((unsigned char *)&word_key + KEY_SIZE, key, KEY_SIZE);
    for (Py_ssize_t i = 0; i < words; i++) {
        memcpy(&word, octets + WORD_SIZE * i, WORD_SIZE);
        word ^= word_key;
        memcpy(octets + WORD_SIZE * i, &word, WORD_SIZE);
    }
    for (Py_ssize_t i = WORD_SIZE * words; i < size; i++) {
        octets[i] ^= key[i % KEY_SIZE];
    }
}

/* The two buffers of a call, to be released together; -1 and an exception if they are not what was expected. */
static int
take_arguments(const char *name, PyObject *const *args, Py_ssize_t count, int flags, Py_buffer *data, Py_buffer *key)
{
    if (count != 2) {
        PyErr_Format(PyExc_TypeError, "%s: expected 2 arguments, got %zd", name, count);
        return -1;
    }
    if (PyObject_GetBuffer(args[0], data, flags) < 0) {
        return -1;
    }
    if (PyObject_GetBuffer(args[1], key, PyBUF_SIMPLE) < 0) {
        PyBuffer_Release(data);
        return -1;
    }
    if (key->len != KEY_SIZE) {
        PyErr_Format(PyExc_ValueError, "key: expected 4 octets, got %zd", key->len);
        PyBuffer_Release(key);
        PyBuffer_Release(data);
        return -1;
    }
    return 0;
}

static PyObject *
apply_mask(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Py_buffer data, key;
    PyObject *masked;

    (void)module;
    if (take_arguments("apply_mask", args, count, PyBUF_SIMPLE, &data, &key) < 0) {
        return NULL;
    }
    masked = PyBytes_FromStringAndSize(NULL, data.len);
    if (masked != NULL) {
        mask_octets(data.buf, (unsigned char *)PyBytes_AsString(masked), data.len, key.buf);
    }
    PyBuffer_Release(&key);
    PyBuffer_Release(&data);
    return masked;
}

static PyObject *
apply_mask_in_place(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Py_buffer data, key;

    (void)module;
    if (take_arguments("apply_mask_in_place", args, count, PyBUF_WRITABLE, &data, &key) < 0) {
        return NULL;
    }
    mask_octets_in_place(data.buf, data.len, key.buf);
    PyBuffer_Release(&key);
    PyBuffer_Release(&data);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"apply_mask", (PyCFunction)(void (*)(void))apply_mask, METH_FASTCALL,
     "apply_mask(data, key, /)\n--\n\nThe octets of data, each XOR one of the four of key, in turn."},
    {"apply_mask_in_place", (PyCFunction)(void (*)(void))apply_mask_in_place, METH_FASTCALL,
     "apply_mask_in_place(data, key, /)\n--\n\nAs apply_mask, written over what was there."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_mask",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__mask(void)
{
    return PyModuleDef_Init(&definition);
}
