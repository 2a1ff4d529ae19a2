/* codes.c: every family of errors and every warning, in one table (codes.h). */
#include "base/codes.h"

#include "base/list.h"

#include <stdbool.h>
#include <string.h>

const Code code_table[] = {
    /* ---- how a program is written */
    { "E001", "a character that does not belong in a program",
      "A program is UTF-8 text of names, numbers, strings, braces and a few signs. Control bytes, spaces that cannot be seen and letters outside "
      "of strings and comments are errors, since two programs that look the same should be the same. They often come along when a program is "
      "copied from a page: delete the character and type it again.",
      { "byte 0x%02x is not UTF-8", "control byte 0x%02x", "a carriage return without its newline", "an invisible character",
        "'.' stands only between two digits", "'%%' directly follows its number", "%s%s%s does not belong in a program" } },
    { "E002", "a string that does not end, or has an unknown escape",
      "A string begins and ends with \" on one line. Within it \\\" is a quotation mark and \\\\ a backslash; there are no other escapes, as "
      "strings are names of files and classes.",
      { "missing '\"': a string ends", "a string has no escapes but" } },
    { "E003", "not a number, or too large a one",
      "Numbers are decimal: 12, 0.5, 1e-3, 98.8%. A size such as 3x3 is height x width without spaces, and none of its sides is 0. Whole numbers "
      "have 64 bits, others the range of a double.",
      { "'%s' is neither a number nor a size", "'%s' is neither a number, a size nor a name",
        "%s is too large: whole numbers have 64 bits, at most", "%s is too large: numbers end at", "a size has at most %d numbers" } },
    { "E004", "this cannot be a name",
      "A name begins with a letter, goes on with letters, digits and _, and is none of the words of the language (param, network, block, data, "
      "train, import, repeat, path and the like). Choose another one.",
      { "a name has at most %d characters", "'%s' is a word of the language and cannot be a name" } },
    { "E005", "parentheses that do not match",
      "Every ( needs its ), on the same line or after commas on the next ones. The place that is shown is where the compiler noticed; the note "
      "says where the open one stands.",
      { "missing ')' for", "this ')' closes nothing" } },
    { "E006", "braces that do not match",
      "The body of a network, a block, a data or train block and of paths stands between { and }. The { stands on the line of what it belongs "
      "to. Where a } is missing, the indentation tells which one: the message names the { that was still open.",
      { "missing '{'", "missing '}' for", "this '}' closes nothing", "the '{' must stand on the line of" } },
    { "E007", "a comma that is missing or too many",
      "Arguments are separated by commas; no comma stands between a layer and its first argument: `conv 32, 3x3, same`. A comma at the end of a "
      "line says that the arguments go on on the next one.",
      { "missing ',' before", "no ',' stands between a layer", "nothing follows this ','" } },
    { "E008", "a space where none may be",
      "A size is one word: 3x3, not 3 x 3. The ( of a call follows its name at once: dropout(0.5). With a space it would be two arguments.",
      { "a size has no spaces in it", "there is a space between '%s' and the '('" } },
    { "E009", "a line in the wrong place of the file",
      "A file consists of param, network, block, data, train and import. Layers stand inside the braces of a network or a block, settings inside "
      "those of a train or data block.",
      { "'%s' stands outside of all braces", "'%s' stands inside the braces of a network", "'%s' begins nothing that a file may have",
        "expected param, network, block, data, train or import", "a layer stands inside the braces of a network or a block" } },
    { "E010", "something else was expected here",
      "The line is not built as the language wants it; the message says what could stand there. grammar/README.md has the language on one page.",
      { "expected %s %s", "expected %s, found '%s'", "expected ',' or the end of the line", "expected 'path', found", "'=' does not compare", "a line cannot begin with '->'",
        "a block without arguments has no parentheses", "'path' stands inside the braces of a layer" } },
    { "E011", "too deep",
      "Parentheses, bodies, signs, imports, blocks within blocks and params that are defined by params have limits, which no program that people "
      "write comes near. They are there so that no input can make the compiler run out of its stack.",
      { "parentheses are nested more than", "more than %d signs in a row", "bodies are nested more than", "an expression of more than",
        "imports are nested more than", "blocks are used in blocks more than", "params are defined by params more than" } },

    /* ---- shapes */
    { "E012", "the window does not fit into the image",
      "A window of F rows that steps by S over H rows with a border of P stops at floor((H - F + 2P)/S) + 1 places. Here that is less than one: "
      "the window is larger than the image with its border. Images get smaller from layer to layer (a bigger stride and every pool make them "
      "smaller), so look at the shapes above: `cnnc summary` shows them all.\nTo mend it: take a smaller window; put a border around the image "
      "with `same` or `pad=1`; leave out a pool before it; or begin with a larger input.",
      { "a %lldx%lld %s does not fit into %s" } },
    { "E013", "a border or a cut that leaves nothing",
      "A pool needs a cell of the image under every window, so its border is smaller than the window. A deconv with `pad` cuts that many rows "
      "and columns off its picture, and something must be left.",
      { "the border is so wide that", "'pad' cuts %lld and %lld" } },
    { "E014", "the layer needs another kind of input",
      "Layers with windows need an image, height x width x depth. After flatten, dense or a global pool there are only features in a row. "
      "normalise reads the input itself, since only its mean and deviation are known.",
      { "%s %s no image; '%s' needs", "'normalise' must read the input" } },
    { "E015", "values that do not fit together",
      "add takes values of one and the same shape, since it adds number by number. concat takes images of equal height and width, or features. A "
      "conv 1x1 changes the depth of an image, a stride or a pool its size.",
      { "'add' needs equal shapes", "'concat' needs %s, but meets" } },
    { "E016", "groups that do not divide the channels",
      "With groups=G, filters and channels are shared out among G groups evenly, so G divides both numbers. `depthwise` makes each channel a "
      "group of its own: the filters are then a multiple of the channels.",
      { "'depthwise' needs a multiple", "%lld %s cannot be shared out evenly" } },
    { "E017", "too large",
      "Tensors have at most 2^40 elements, sides at most what the language says, windows of a maxpool 2^24 cells (the number of a cell is kept "
      "as a real). Mostly a number was meant that is a few digits shorter.",
      { "all %s together are more than", "all patches together make a picture", "a globalmaxpool over", "a maxpool over",
        "the image with its border", "the %s of '%s' would be", "network '%s' expands to more than", "network '%s' has more than 2^40",
        "the result of '%s' would be", "the network has more than %d layers", "%s has more than 2^40 elements" } },

    /* ---- names and arguments */
    { "E018", "there is no such layer",
      "The word is no layer of the language and no block of the program. docs/LANGUAGE.md lists the layers; names of Keras and PyTorch are "
      "recognised and the help says how they are called here.",
      { "unknown layer '%s'", "there is no layer '%s'", "there is no layer 'Activation'" } },
    { "E019", "it has another name here",
      "The word is what Keras or PyTorch calls it. Here layers and arguments have one name each, in lower case; the help shows the line as it "
      "would be right.",
      { "'%s' is called '%s' here" } },
    { "E020", "there is no such value",
      "A value is what a line makes: a name in front of it, `stem = conv 16, 3x3`, makes it known to the lines below. Values within a block or a "
      "path are not known outside of it, nor are those of lines further down.",
      { "no value is called '%s' here", "no value and no layer is called '%s' here" } },
    { "E021", "there is no such number",
      "Numbers have names as params, as arguments of a block or as the variable of a repeat. The name of a layer's value is no number.",
      { "'%s' is the value of a layer, not a number", "unknown name '%s'", "'%s(...)' is not a number" } },
    { "E022", "a name that is taken",
      "Params, networks, blocks and data have names of their own, and so have the values of a network: each stands for one thing. Lines without "
      "a name get one from their layer, conv1, conv2, which a name of yours may meet.",
      { "the name '%s' is given twice", "the name '%s' meets another", "there are two %s called", "'%s' is the name of a block already",
        "'%s' is a layer of the language; a block", "block '%s' has two arguments called", "'%s' is the name of a param already" } },
    { "E023", "there is no such argument",
      "The layer or block knows other arguments; the help names the nearest one. docs/LANGUAGE.md has a table for each layer.",
      { "'%s' does not know '%s'", "'%s' has no argument '%s'", "block '%s' has no argument '%s'" } },
    { "E024", "an argument is missing",
      "Some arguments have no default: a conv needs the number of its filters and their size. They may stand without their names where their "
      "kind tells them apart, and with them everywhere: conv filters=32, kernel=3x3.",
      { "'%s' needs %s%s (%s)", "block '%s' needs '%s'", "'%s' needs its name here" } },
    { "E025", "an argument is given twice, or two that exclude each other",
      "Each argument is given once, with its name or without. Some say the same thing in two ways, such as `same` and pad=1; only one of them "
      "can hold.",
      { "'%s' is given twice: '%s' and '%s'", "'%s' and '%s' exclude each other", "'%s' is given already; a %s is written" } },
    { "E026", "an argument too many",
      "There is no argument left that this could be. A layer within the arguments (`relu` in `conv 32, 3x3, relu`) may stand there, a second "
      "number without a name may not.",
      { "'%s' has no place for the", "block '%s' has no place for another", "'%s' takes no arguments of its own here", "'%s' takes no value by name" } },
    { "E027", "an argument of the wrong kind",
      "Every argument is of one kind: a whole number, a number, a size such as 3x3, a pair such as (2,1), a range such as 0.9..1.1, one of some "
      "words, a string, or a word that stands alone. The message says which kind this one wants.",
      { "'%s' takes %s, not %s", "%s must be a whole number", "'%s' takes a size such as", "a word is written without quotes", "'%s' takes one ",
        "'%s' takes %s, not a size", "'%s' takes %s; here are %d numbers", "'%s' is written alone", "%s cannot be calculated with", "'%s' takes %s" } },
    { "E028", "a number out of its range",
      "The number is of the right kind but makes no sense there: a dropout of 2, a stride of 0, a range that goes down. The message says between "
      "what it must lie.",
      { "%s is %lld, but must lie between", "'%s' is %.9g, but must be", "the range of '%s' goes down", "a side of '%s' is" } },
    { "E029", "a calculation that has no result",
      "Params and arguments may be calculated: 2*filters, size/4. Whole numbers stay whole where the division leaves nothing over, and have 64 "
      "bits. Division by zero and numbers beyond that are errors, not infinities.",
      { "division of %s by zero", "%s %c %s is too large", "the negative of %s is too large" } },
    { "E030", "a param, or -D, that gives no value",
      "`param NAME = VALUE` gives a number or a size a name; -D NAME=VALUE on the command line gives it another value. A param may use others, "
      "but not itself, and -D needs a param of that name.",
      { "-D %s=%s does not give", "the value of param '%s' depends on itself", "-D %s=%s: the program has no param" } },
    { "E031", "a size with too few or too many numbers",
      "A kernel is height x width. A shape is height x width x depth, such as 28x28x1, or one number of features. The order is that of Keras, "
      "the same everywhere here.",
      { "'%s' is height x width; %s has", "'%s' is height x width x depth; %s has" } },

    /* ---- networks and blocks */
    { "E032", "the input or the beginning of a network",
      "A network begins with one line `input 28x28x1` (or a number of features) and goes on with at least one layer. `init he` may stand among "
      "its first lines. Neither belongs into a block.",
      { "'input' is the first line", "'init' is a line of", "'input' reads nothing", "network '%s' has no input", "a network has one input",
        "'init' is given twice", "network '%s' is empty", "network '%s' has no layers" } },
    { "E033", "which network?",
      "A file may have several networks. What is compiled is the only one, the one that is trained, or the one that --network names; a train "
      "block names its own.",
      { "there is no network '%s' to train", "the program has %d networks", "--network %s: the program has no network", "the program has no network" } },
    { "E034", "the wrong number of inputs",
      "Most layers read one value, the line above or what `from` names. add and concat read several: names behind them, or paths in braces.",
      { "'%s' reads %s; here %s %d", "'%s' has no paths", "paths begin with one value", "block '%s' reads one value" } },
    { "E035", "a block or an import that uses itself",
      "Blocks are written out where they are used, and imported files are read where they are imported; one that reaches itself would never end. "
      "The message shows the round trip.",
      { "block '%s' uses itself", "imports that reach themselves" } },
    { "E036", "a repeat that cannot be counted",
      "`repeat 3 { ... }` writes its lines out three times, `repeat i in 1..3 { ... }` counts upwards. The numbers are whole and known when the "
      "program is compiled.",
      { "'repeat' needs a", "'repeat' cannot run", "'repeat' counts upwards" } },
    { "E037", "an expectation does not hold",
      "A line `expect shape == 7x7x512` or `expect params == 138357544` says what must be true at that place. Here it is not: either the network "
      "or the expectation is wrong, and `cnnc summary` shows how the numbers come about.",
      { "expected %s, but the shape is", "expected %s, but this is", "expected %s, but the network has" } },
    { "E038", "an expectation that says nothing",
      "Within a network one can expect something of `shape` (== or !=), of `params` and of numbers; in a train block of what is measured after "
      "the training.",
      { "shapes are compared by", "a shape is height x width x depth, such as", "there is no shape before", "numbers are compared here",
        "'params' is compared with a number", "a network can expect something of" } },
    { "E039", "a line in the wrong kind of block",
      "Layers, repeat and expect belong into networks and blocks; loss, optimizer, batch, epochs and the like into a train block; source, rows "
      "and labels into a data block.",
      { "'%s' is a loss: it belongs into", "a row belongs into a data block", "this is a line of a network; a", "'%s' belongs into a %s block",
        "'repeat' belongs into", "'expect' belongs into" } },

    /* ---- training and data */
    { "E040", "a setting that is not known, or does not know that word",
      "A train block is a list of settings, each with its own words: optimizer sgd, adam, ...; schedule cosine, ... docs/LANGUAGE.md has the "
      "table.",
      { "'%s' needs a word", "'%s' begins with a word", "'%s' is %s, not '%s'", "'%s' is a list", "'report' knows", "'%s' needs a list of words",
        "'loss' needs a word", "'loss' is %s, not", "unknown setting '%s'" } },
    { "E041", "a setting that is given twice, or is missing",
      "Each setting stands once, but for augment and expect, of which there may be several. `epochs` must be there: nobody else knows how long "
      "to train.",
      { "network '%s' has two train blocks", "'%s %s' is given twice", "'%s' is given twice", "the train block does not say" } },
    { "E042", "data that is not there, or not whole",
      "`train N on NAME` names a data set that cnnc knows (mnist, digits, ...), a data block, or a folder in quotes. A data block has a source "
      "or rows, and all rows have the same numbers on each side of ->.",
      { "a row consists of numbers", "this row has %lld", "data '%s' has both", "data '%s' has no source", "there is no data called" } },
    { "E043", "data that does not fit the network",
      "The images of the data set have the shape of the input, and the network has an output for each class. Change the input or the last dense "
      "layer, or crop the images.",
      { "the images of %s are", "'%s' needs images, but the input", "'crop' makes images of", "the rows have %s, but", "there are %s, but '%s' has",
        "%s has %lld classes" } },
    { "E044", "freeze names no layer with weights",
      "`freeze conv1, conv2` keeps the weights of these layers as they are. It names layers of the network that have any.",
      { "'%s' has no parameters that could be frozen", "network '%s' has no layer '%s'" } },
    { "E045", "loss, optimizer and network do not go together",
      "crossentropy compares probabilities, so the network ends in a softmax. The perceptron rule goes with the quadratic loss. What is measured "
      "on validation images needs a share of them: validate=10%.",
      { "the loss crossentropy needs probabilities", "the perceptron rule goes with", "'%s' needs a validation set" } },
    { "E046", "an expectation of the training that cannot be measured",
      "`expect accuracy >= 98.8%` names one of the metrics, a relation and a number: a loss from 0 on, an accuracy between 0 and 1 or as a "
      "percentage.",
      { "a train block can expect", "a loss is a number of at least 0", "'%s' lies between 0 and 1" } },

    /* ---- files and outputs */
    { "E050", "a file cannot be read or written",
      "The system says why, behind the colon. Source files end at a size far above what people write, so that nothing else is read by mistake.",
      { "cannot read '%s'", "cannot write '%s'", "'%s' is too large: a source file", "cannot make a folder" } },
    { "E051", "weights that do not fit the network",
      "A weights file holds a tensor for each parameter, by name and shape. The notes list what differs. Weights of the same network with "
      "another param, or of an earlier version of it, are the usual reason; `cnnc diff` shows what changed. Numbers that are not finite come "
      "from a training that diverged.",
      { "element %zu of %s in '%s' is not finite", "'%s' does not fit network" } },
    { "E052", "this build of cnnc cannot do that",
      "LLVM is looked for when cnnc is built; without it there are no objects and no training without a C compiler, but all of the C. Some "
      "things are not supported at all yet; the message says so.",
      { "there is neither LLVM nor a C compiler", "--tune needs a C compiler", "--tune needs more memory", "--tune cannot run", "this output is not supported by", "--tune is not supported by", "commands are not supported by", "a shared library for another machine" } },
    { "E053", "LLVM does not know the machine",
      "--target, --cpu and --features name the machine that code is for in LLVM's words: `cnnc --targets` lists the ones this LLVM was built for.",
      { "--target=%s is no machine", "--cpu=native is the processor", "LLVM: %s", "LLVM cannot" } },
    { "E054", "unrolling is over its budget",
      "--style=unrolled writes out every multiply-add. That is for small networks; --unroll-budget says how many statements are allowed, and a C "
      "compiler takes about a second for 20 000 of them.",
      { "unrolling %s needs" } },
    { "E055", "the linker failed",
      "A shared library is linked by the C compiler of the machine. Its own words stand above; $CC names another one.",
      { "the linker '%s'" } },
    { "E056", "cnnc explain knows no such layer",
      "`cnnc explain net.cnn:9` explains the layers that line 9 makes, `cnnc explain net.cnn:conv2` one of them, or the value that has that "
      "name. A line of a block makes layers wherever the block is used; those have names of their own, which `cnnc summary net.cnn` lists.",
      { "line %s makes", "'%s' is no layer of network" } },
    { "E057", "a table of a training that is none",
      "`--report` shows what `./net train --csv epochs.csv` (a row an epoch, the first column is `epoch`) and `./net test --csv confusion.csv` "
      "(a row a class, the first column is `truth`) wrote: a head, and rows of as many cells.",
      { "row %d of '%s' has not as many", "'%s' is neither a table of epochs" } },
    { "E058", "cnnc step cannot do that with this network",
      "`cnnc step` sends a picture through a network that reads pictures, of one channel or three. `--backward` goes back from a loss, which a "
      "train block names, for the right answer that `--class N` gives; classes are counted from 0. The loops are run one by one, so that "
      "networks of thousands of millions of multiply-adds take too long.",
      { "--image needs a network", "--backward goes back from a loss", "--class %lld is none", "network '%s' needs %.2g statements" } },
    { "E059", "a file for --tuned that says something else",
      "`cnnc --tune net.cnn` measures what is fastest on the machine that it runs on and writes it to net.tuned, a line for each choice; `--tuned=net.tuned` follows "
      "it. Lines can be changed or left out, but for the one that names the machine: other machines have other vectors and registers, so that nothing of "
      "the file would hold there. What is inference alone is tuned by `cnnc --tune --infer`, and --real=double by itself.",
      { "'%s' begins no line of a file for --tuned", "a line '%s' says %s, not", "a line '%s' stands here for the second time", "a line '%s' ends here, but",
        "byte 0x%02x does not belong in a file for --tuned", "this file was tuned for", "a file for --tuned names the machine", "'%s' is too large: a file for --tuned" } },
    { "E099", "a mistake of cnnc",
      "The compiler proves what it writes, and this proof failed: nothing was written. It is not the network's fault; please report it with the "
      "source.",
      { "internal error" } },

    /* ---- warnings, by their names (base/warning.h) */
    { "tuned", "a line of a file for --tuned fits nothing",
      "The line is about a nest that the network does not have (any more), or a tile that does not divide its loops: the network has changed since, or cnnc has. The "
      "policy chooses there as without the file. `cnnc --tune` measures again.",
      { NULL } },
    { "comma", "a comma at the end of a line joins the next one",
      "The arguments go on on the next line after a comma. Here that line begins as far left as this one, as a layer of its own would: the comma "
      "is probably left over.",
      { NULL } },
    { "unread", "nothing reads what this line makes",
      "The value is computed and then forgotten, so its layer can just as well be left out. Mostly a later line was meant to read it: `add "
      "stem`, or `from stem`.",
      { NULL } },
    { "step", "a step has no gradient",
      "step is flat everywhere but at 0: nothing that stands before it learns anything by gradients. Take sigmoid or tanh, or train with the "
      "perceptron rule, which passes the gradient straight through.",
      { NULL } },
    { "same-stride", "same, with a stride that does not divide the image",
      "`same` makes ceil(H/S) rows of H. Where S does not divide H the border is chosen so that this comes out, and is not the same on all "
      "sides; other frameworks choose it otherwise, so that weights from there see a picture that is moved by a pixel.",
      { NULL } },
    { "pool-rows", "a pool that leaves out the last rows or columns",
      "A window stops only where all of it fits. The rows that are left over below are never looked at, and get no gradient. `same` lets the "
      "last window reach over the edge.",
      { NULL } },
    { "dropout-softmax", "a dropout right before a softmax",
      "What a dropout leaves out is 0, and exp(0) is 1: classes that are left out do not vanish but become likely. A dropout belongs before the "
      "last dense layer.",
      { NULL } },
    { "inner-softmax", "a softmax in the middle",
      "A softmax presses its features into probabilities that add up to 1, and lets little of the gradient through. Between layers relu or "
      "sigmoid keep more of it.",
      { NULL } },
    { "dead-block", "a block that no network uses",
      "The block is checked as far as that goes, but nothing is made of it. Use it, or leave it out.",
      { NULL } },
    { "unused-param", "a param that nothing reads",
      "Another value of it changes nothing. Mostly a number further down was meant to be this param.",
      { NULL } },
};
const int code_table_count = countof(code_table);

const Code *code_find(const char *name)
{
    for (int i = 0; i < code_table_count; i++)
        if (strcmp(code_table[i].name, name) == 0)
            return &code_table[i];
    return NULL;
}

/* The length letters of a conversion say nothing: PRId64 is not the same everywhere. */
static const char *without_lengths(const char *at)
{
    while (*at == 'l' || *at == 'z')
        at++;
    return at;
}

static bool begins(const char *format, const char *with)
{
    bool conversion = false;

    for (; *with; conversion = *with == '%' && !conversion, format++, with++) {
        if (conversion) {
            format = without_lengths(format);
            with = without_lengths(with);
        }
        if (*format != *with)
            return false;
    }
    return true;
}

/* Of several beginnings the longest counts. */
const Code *code_of_format(const char *format)
{
    const Code *best = NULL;
    size_t longest = 0;

    for (int i = 0; i < code_table_count; i++)
        for (int j = 0; j < MOST_FORMATS && code_table[i].formats[j]; j++) {
            const char *beginning = code_table[i].formats[j];
            if (begins(format, beginning) && strlen(beginning) > longest) {
                best = &code_table[i];
                longest = strlen(beginning);
            }
        }
    return best;
}
