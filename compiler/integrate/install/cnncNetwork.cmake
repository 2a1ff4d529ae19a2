# cnnc_add_network(TARGET NET.cnn [INFER] [MAIN] [STYLE style] [MACHINE machine] [REAL type] [TILE n] [NETWORK name]
#                  [WEIGHTS file.safetensors] [DEFINES name=value...] [OPTIONS option...])
#
# A static library TARGET of the network NET, with its header NET.h; it is made again when the network, what it imports or the weights change.
#
#   INFER     inference alone: the library needs no runtime. Without it the runtime, cnnc::cnn, is linked to what links TARGET.
#   MAIN      a program with the commands train, test, run, grad and step in place of a library
#   WEIGHTS   these are embedded as constants; with it, INFER need not be said
#   OPTIONS   anything else that `cnnc --help` shows
function(cnnc_add_network target net)
    cmake_parse_arguments(PARSE_ARGV 2 arg "INFER;MAIN" "STYLE;MACHINE;REAL;TILE;NETWORK;WEIGHTS" "DEFINES;OPTIONS")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "cnnc_add_network(${target} ${net}): '${arg_UNPARSED_ARGUMENTS}' is none of its words: "
                            "INFER MAIN STYLE MACHINE REAL TILE NETWORK WEIGHTS DEFINES OPTIONS")
    endif()
    if(arg_MAIN AND (arg_INFER OR arg_WEIGHTS))
        message(FATAL_ERROR "cnnc_add_network(${target} ${net}): a program that trains cannot be made for inference alone")
    endif()
    get_filename_component(source "${net}" ABSOLUTE)
    get_filename_component(name "${net}" NAME_WE)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.cnnc")
    set(made "${folder}/${name}")
    set(options)
    set(needs "${source}")
    foreach(option STYLE REAL TILE NETWORK)
        if(arg_${option})
            string(TOLOWER "${option}" word)
            list(APPEND options "--${word}=${arg_${option}}")
        endif()
    endforeach()
    if(arg_MACHINE)
        list(APPEND options "--target=${arg_MACHINE}")
    endif()
    if(arg_WEIGHTS)
        get_filename_component(weights "${arg_WEIGHTS}" ABSOLUTE)
        list(APPEND options "--weights=${weights}")
        list(APPEND needs "${weights}")
    endif()
    if(arg_INFER OR arg_WEIGHTS)
        list(APPEND options --infer)
    endif()
    if(arg_MAIN)
        list(APPEND options --main)
    endif()
    foreach(define ${arg_DEFINES})
        list(APPEND options "-D${define}")
    endforeach()
    file(MAKE_DIRECTORY "${folder}")
    add_custom_command(OUTPUT "${made}.c" "${made}.h"
        COMMAND cnnc::cnnc ${options} ${arg_OPTIONS} -MF "${made}.d" "${source}" -o "${made}.c" -o "${made}.h"
        DEPENDS ${needs} cnnc::cnnc
        DEPFILE "${made}.d"
        COMMENT "Compiling the network ${name}"
        VERBATIM)
    if(arg_MAIN)
        add_executable(${target} "${made}.c")
        target_link_libraries(${target} PRIVATE cnnc::cnn)
    else()
        add_library(${target} STATIC "${made}.c" "${made}.h")
        target_include_directories(${target} PUBLIC "${folder}")
        if(arg_INFER OR arg_WEIGHTS)
            target_link_libraries(${target} PUBLIC m)
        else()
            target_link_libraries(${target} PUBLIC cnnc::cnn m)
        endif()
    endif()
endfunction()
