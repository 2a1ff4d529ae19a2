/* lsp.c: the server: messages in and out, and which answer belongs to which (lsp.h). Whatever comes in, it answers or ignores it; it ends with the input, or when
 * told to. */
#include "integrate/server.h"

#include "integrate/lsp.h"
#include "integrate/tools.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_HEADER = 1024, LONGEST_MESSAGE = 1 << 28 };
enum { PARSE_ERROR = -32700, INVALID_REQUEST = -32600, METHOD_NOT_FOUND = -32601 };

/* ---- the wire */

/* A line of the header without its end; false at the end of the input. Of a long line the beginning is kept. */
static bool read_header(FILE *from, char *line)
{
    int c, length = 0;

    while ((c = getc(from)) != EOF && c != '\n')
        if (c != '\r' && length < LONGEST_HEADER - 1)
            line[length++] = (char)c;
    line[length] = '\0';
    return c != EOF || length > 0;
}

/* The bytes of the next message, to be freed; NULL at the end of the input. */
static char *read_message(FILE *from, size_t *length)
{
    char line[LONGEST_HEADER];
    long long wanted = -1;

    while (read_header(from, line)) {
        if (strncmp(line, "Content-Length:", 15) == 0)
            wanted = strtoll(line + 15, NULL, 10);
        if (line[0] != '\0' || wanted < 0)
            continue;
        if (wanted > LONGEST_MESSAGE)
            return NULL;                /* nobody can say where the next one begins */
        char *message = malloc((size_t)wanted + 1);
        if (!message)
            return NULL;
        *length = fread(message, 1, (size_t)wanted, from);
        message[*length] = '\0';
        return message;
    }
    return NULL;
}

static void send_message(Server *s, cJSON *message)
{
    char *text;

    cJSON_AddStringToObject(message, "jsonrpc", "2.0");
    text = cJSON_PrintUnformatted(message);
    if (text) {
        fprintf(s->to, "Content-Length: %zu\r\n\r\n%s", strlen(text), text);
        fflush(s->to);
        cJSON_free(text);
    }
    cJSON_Delete(message);
}

static void reply(Server *s, const cJSON *id, cJSON *result)
{
    cJSON *message = cJSON_CreateObject();

    cJSON_AddItemToObject(message, "id", id ? cJSON_Duplicate(id, true) : cJSON_CreateNull());
    cJSON_AddItemToObject(message, "result", result ? result : cJSON_CreateNull());
    send_message(s, message);
}

static void reply_error(Server *s, const cJSON *id, int code, const char *text)
{
    cJSON *message = cJSON_CreateObject(), *error;

    cJSON_AddItemToObject(message, "id", id ? cJSON_Duplicate(id, true) : cJSON_CreateNull());
    error = cJSON_AddObjectToObject(message, "error");
    cJSON_AddNumberToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", text);
    send_message(s, message);
}

/* ---- what messages ask for */

static const cJSON *item(const cJSON *of, const char *name) { return cJSON_GetObjectItemCaseSensitive(of, name); }

static const char *string(const cJSON *of, const char *name)
{
    const cJSON *value = item(of, name);
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

static Document *document_of(Server *s, const cJSON *params)
{
    return document_find(s, string(item(params, "textDocument"), "uri"));
}

static void publish(Server *s, const char *uri, cJSON *diagnostics)
{
    cJSON *message = cJSON_CreateObject(), *params;

    cJSON_AddStringToObject(message, "method", "textDocument/publishDiagnostics");
    params = cJSON_AddObjectToObject(message, "params");
    cJSON_AddStringToObject(params, "uri", uri);
    cJSON_AddItemToObject(params, "diagnostics", diagnostics);
    send_message(s, message);
}

static void did_open(Server *s, const cJSON *params)
{
    const char *uri = string(item(params, "textDocument"), "uri"), *text = string(item(params, "textDocument"), "text");

    if (uri && text)
        publish(s, uri, diagnostics_of(document_set(s, uri, text)));
}

/* Of a change only the whole text is asked for (capabilities), and a piece of it is ignored. */
static void did_change(Server *s, const cJSON *params)
{
    const char *uri = string(item(params, "textDocument"), "uri");
    const cJSON *change, *last = NULL;

    cJSON_ArrayForEach(change, item(params, "contentChanges"))
        if (string(change, "text") && !item(change, "range"))
            last = change;
    if (uri && last && document_find(s, uri))
        publish(s, uri, diagnostics_of(document_set(s, uri, string(last, "text"))));
}

static void did_close(Server *s, const cJSON *params)
{
    Document *d = document_of(s, params);

    if (d) {
        publish(s, d->uri, cJSON_CreateArray());
        document_close(d);
    }
}

static cJSON *capabilities(Server *s, const cJSON *params)
{
    cJSON *result = cJSON_CreateObject(), *can = cJSON_AddObjectToObject(result, "capabilities"), *more;

    (void)s;
    (void)params;
    cJSON_AddNumberToObject(can, "textDocumentSync", 1);        /* the whole text with every change */
    more = cJSON_AddObjectToObject(can, "completionProvider");
    cJSON_AddItemToObject(more, "triggerCharacters", cJSON_CreateStringArray((const char *const[]){ " ", ",", "=", ">" }, 4));
    static const char *const plain[] = { "hoverProvider", "definitionProvider", "documentFormattingProvider", "documentSymbolProvider", "codeActionProvider" };
    for (int i = 0; i < countof(plain); i++)
        cJSON_AddTrueToObject(can, plain[i]);
    more = cJSON_AddObjectToObject(result, "serverInfo");
    cJSON_AddStringToObject(more, "name", "cnnc");
    return result;
}

static uint32_t place(const Document *d, const cJSON *params) { return document_offset(d, item(params, "position")); }

static cJSON *hover(Server *s, const cJSON *params)
{
    Document *d = document_of(s, params);
    return d ? answer_hover(s, d, place(d, params)) : NULL;
}

static cJSON *completion(Server *s, const cJSON *params)
{
    Document *d = document_of(s, params);
    return d ? answer_completion(d, place(d, params)) : NULL;
}

static cJSON *definition(Server *s, const cJSON *params)
{
    Document *d = document_of(s, params);
    return d ? answer_definition(s, d, place(d, params)) : NULL;
}

static cJSON *formatting(Server *s, const cJSON *params)
{
    Document *d = document_of(s, params);
    return d ? answer_formatting(d) : NULL;
}

static cJSON *symbols(Server *s, const cJSON *params)
{
    Document *d = document_of(s, params);
    return d ? answer_symbols(d) : NULL;
}

static cJSON *actions(Server *s, const cJSON *params)
{
    Document *d = document_of(s, params);
    const cJSON *range = item(params, "range");
    return d ? answer_actions(d, document_offset(d, item(range, "start")), document_offset(d, item(range, "end"))) : NULL;
}

static cJSON *shut_down(Server *s, const cJSON *params)
{
    (void)params;
    s->shut_down = true;
    return NULL;
}

static const struct { const char *method; cJSON *(*answer)(Server *s, const cJSON *params); } requests[] = {
    { "initialize", capabilities },
    { "shutdown", shut_down },
    { "textDocument/hover", hover },
    { "textDocument/completion", completion },
    { "textDocument/definition", definition },
    { "textDocument/formatting", formatting },
    { "textDocument/documentSymbol", symbols },
    { "textDocument/codeAction", actions },
};

static const struct { const char *method; void (*take)(Server *s, const cJSON *params); } notifications[] = {
    { "textDocument/didOpen", did_open },
    { "textDocument/didChange", did_change },
    { "textDocument/didClose", did_close },
};

/* False when the server is to end. */
static bool handle(Server *s, const cJSON *message)
{
    const char *method = string(message, "method");
    const cJSON *id = item(message, "id"), *params = item(message, "params");

    if (!cJSON_IsObject(message) || (!method && !id)) {
        reply_error(s, NULL, INVALID_REQUEST, "a request is an object with a method");
        return true;
    }
    if (!method)
        return true;                    /* an answer; this server asks nothing */
    if (strcmp(method, "exit") == 0)
        return false;
    for (int i = 0; !id && i < countof(notifications); i++)
        if (strcmp(method, notifications[i].method) == 0)
            notifications[i].take(s, params);
    if (!id)
        return true;
    for (int i = 0; i < countof(requests); i++)
        if (strcmp(method, requests[i].method) == 0) {
            reply(s, id, requests[i].answer(s, params));
            return true;
        }
    reply_error(s, id, METHOD_NOT_FOUND, "cnnc does not know this method");
    return true;
}

int lsp_run(int argc, char **argv)
{
    Arena *arena = arena_new();
    Server s = { .arena = arena, .from = stdin, .to = stdout };
    bool go_on = true;
    size_t length;
    char *message;

    if (argc > 2 || (argc == 2 && strcmp(argv[1], "--stdio") != 0)) {
        arena_free(arena);
        return tool_misused("'cnnc lsp' is started by an editor and takes nothing");
    }
    while (go_on && (message = read_message(s.from, &length)) != NULL) {
        cJSON *parsed = cJSON_ParseWithLength(message, length);
        if (parsed)
            go_on = handle(&s, parsed);
        else
            reply_error(&s, NULL, PARSE_ERROR, "this is no JSON");
        cJSON_Delete(parsed);
        free(message);
    }
    for (int i = 0; i < s.documents.count; i++)
        document_close(&s.documents.at[i]);
    arena_free(arena);
    return !s.shut_down;                /* as the protocol wants it */
}
