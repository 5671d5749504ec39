// What the Markdown pages say about the repository, checked: links, excerpts, Bazel targets, review
// cards, exercises.
//
// Each check reads the tree under `root` and returns what it found, nothing when all is well. A
// finding is a line of text, "FILE:LINE: what is wrong (allowed: what would be right)", with FILE
// relative to `root`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace worker_pool {

using Findings = std::vector<std::string>;

// A link leads to a file or folder, and its #anchor to a heading or an <a id="...">. Links into
// folders that .bazelignore hides from Bazel are only looked at where those folders are there.
// Links to other places are well formed; whether they lead anywhere is not asked. [text][id] and
// [id]: target belong together.
Findings check_links(const std::filesystem::path& root);

// A block below a line <!-- from FILE --> has lines of that file, which check_links() looks for. A
// line // ... stands for lines left out. Blocks of C++ and Go are always marked.
Findings check_excerpts(const std::filesystem::path& root);

// //package:name and its like, in code, are declared in a BUILD file of the page's Bazel module, or
// of the course.
Findings check_targets(const std::filesystem::path& root);

// docs/review_cards.md and the marks WP-NN in code and pages know each other; each card has all its
// parts, and in the table at the top the exercise that it links, or none.
Findings check_cards(const std::filesystem::path& root);

// Each exercise is in the table of exercises/README.md, in exercises/BUILD, and in the lesson that
// the table names; its solution links a card that links it.
Findings check_exercises(const std::filesystem::path& root);

// The top README leads to every lesson, the exercises, the cards, and the forms of Go.
Findings check_front_page(const std::filesystem::path& root);

// All of the above.
Findings check_documents(const std::filesystem::path& root);

}  // namespace worker_pool
